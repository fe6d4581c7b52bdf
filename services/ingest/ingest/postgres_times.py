"""PostgreSQL's dates and timestamps in text (ISO, UTC) as numbers, over the whole range it has. Pure.

Arrow reads the years 0000 to 9999; PostgreSQL goes from 4713 BC to 5874897 (date) and 294276 (timestamp). Both count
days in the proleptic Gregorian calendar. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
"""

import re

_DATE = re.compile(r"(\d{4,7})-(\d\d)-(\d\d)( BC)?")
_TIMESTAMP = re.compile(r"(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00)?( BC)?")
_DAYS_PER_ERA, _YEARS_PER_ERA = 146_097, 400
_DAYS_TO_1970 = 719_468  # from 1 March of the year 0
_MICROSECONDS_PER_DAY = 86_400_000_000
INT64_MAX = 2**63 - 1


def days(text: str) -> int:
    """Days since 1970 of a date; raises ValueError when it is none, as `infinity` is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no day")
    year, month, day, era = found.groups()
    return _days(_year(year, era), int(month), int(day))


def microseconds(text: str) -> int:
    """Microseconds since 1970 of a timestamp in UTC; raises ValueError when it is none or 64 bits do not hold it."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no moment")
    year, month, day, hour, minute, second, fraction, era = found.groups()
    seconds = (int(hour) * 60 + int(minute)) * 60 + int(second)
    whole = _days(_year(year, era), int(month), int(day)) * _MICROSECONDS_PER_DAY + seconds * 1_000_000
    moment = whole + int((fraction or "0").ljust(6, "0"))
    if moment > INT64_MAX:  # PostgreSQL counts from 2000, so its last thirty years are beyond Iceberg's range
        raise ValueError(f"{text} is after the year 294247, the last that 64 bits of microseconds since 1970 reach")
    return moment


def _year(text: str, era: str | None) -> int:
    # There is no year 0 in text: 1 BC is the astronomers' year 0.
    return 1 - int(text) if era else int(text)


def _days(year: int, month: int, day: int) -> int:
    # The year begins in March, so that the leap day is its last.
    year -= month <= 2
    era, of_era = divmod(year, _YEARS_PER_ERA)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = of_era * 365 + of_era // 4 - of_era // 100 + day_of_year
    return era * _DAYS_PER_ERA + day_of_era - _DAYS_TO_1970
