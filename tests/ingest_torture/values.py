"""Values of PostgreSQL's types as SQL literals: ordinary ones, and those at the type's limits."""

import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

# A value is so often one at its type's limit.
EXTREME = 0.04
LETTERS = "abcxyz ÄßøñЖ漢字🙂'\"\\,;\t\n%{}"
INFINITIES = ("'infinity'", "'-infinity'")
MOODS = ("calm", "odd one", "naïve")


@dataclass(frozen=True)
class Kind:
    """A column type as it is declared, and what may stand in it."""

    declared: str
    ordinary: Callable[[random.Random], str]
    extremes: tuple[str, ...] = ()

    def literal(self, chance: random.Random) -> str:
        """A value as SQL."""
        if self.extremes and chance.random() < EXTREME:
            return chance.choice(self.extremes)
        return self.ordinary(chance)


def quoted(text: str) -> str:
    """Text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def words(chance: random.Random, least: int, most: int) -> str:
    """Text of so many characters, hard to compress enough to stay out of TOAST when it is long."""
    return "".join(chance.choices(LETTERS, k=chance.randint(least, most)))


def _integer(bits: int) -> Kind:
    limits = (str(2 ** (bits - 1) - 1), f"({-(2 ** (bits - 1)) + 1} - 1)", "0", "-1")
    name = {16: "smallint", 32: "integer", 64: "bigint"}[bits]
    return Kind(name, lambda chance: str(chance.randint(-30_000, 30_000)), limits)


def numeric(precision: int, scale: int) -> Kind:
    """numeric(p,s), which bronze holds as a decimal; NaN has no place in one."""
    nines = "9" * (precision - scale) + "." + "9" * scale
    return Kind(
        f"numeric({precision},{scale})",
        lambda chance: f"{chance.randint(-(10**6), 10**6)}.{chance.randint(0, 10**scale - 1):0{scale}d}",
        (nines, f"-{nines}", "0", "'NaN'"),
    )


def varchar(length: int) -> Kind:
    """varchar(n)."""
    return Kind(f"varchar({length})", lambda chance: quoted(words(chance, 0, length)), ("''",))


def _moments(zone: str) -> tuple[str, ...]:
    return (
        "'infinity'",
        "'-infinity'",
        f"'9999-12-31 23:59:59.999999{zone}'",
        f"'294276-12-31 23:59:59.999999{zone}'",
        f"'0044-03-15 12:00:00{zone} BC'",
        f"'0001-01-01 00:00:00{zone}'",
        f"'1969-12-31 23:59:59.000001{zone}'",
    )


def _json(chance: random.Random) -> str:
    text = words(chance, 0, 12).replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
    return quoted(f'{{"a":  {chance.randint(0, 9)}, "text": "{text}", "list": [1.50, null, true], "a": "again"}}')


def _day(chance: random.Random) -> str:
    return f"'{chance.randint(1900, 2100)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}'"


def _moment(chance: random.Random) -> str:
    clock = f"{chance.randint(0, 23):02d}:{chance.randint(0, 59):02d}:{chance.random() * 59.9:09.6f}"
    return f"{_day(chance)[:-1]} {clock}+0{chance.randint(0, 9)}:30'"


def uuid_of(number: int) -> str:
    """A UUID for a number, always the same."""
    return quoted(str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))))


INTEGER, BIGINT = _integer(32), _integer(64)
TEXT = Kind("text", lambda chance: quoted(words(chance, 0, 30)), ("''", "repeat('long ', 20000)"))
# Stored outside of the row as soon as it is longer than 2 kB, so an update that does not touch it does not send it.
LARGE_TEXT = Kind("text", lambda chance: quoted(words(chance, 2_100, 4_000)), ("''", "repeat('x', 300000)"))
# Text of digits: the one kind that may become an integer later, which bronze cannot follow.
DIGITS = Kind("text", lambda chance: quoted(str(chance.randint(0, 10**6))))
KINDS = (
    _integer(16),
    INTEGER,
    BIGINT,
    numeric(12, 3),
    numeric(38, 10),
    Kind("numeric", lambda chance: f"{chance.randint(0, 10**30)}.{chance.randint(0, 10**9)}", ("'NaN'", "1e60", "0.0")),
    Kind("double precision", lambda chance: repr(chance.uniform(-1e9, 1e9)), ("'NaN'", *INFINITIES, "1e308")),
    Kind("real", lambda chance: str(chance.randint(-999, 999) / 8), ("'NaN'", *INFINITIES, "1e-38", "0.1")),
    Kind("boolean", lambda chance: chance.choice(("true", "false"))),
    TEXT,
    varchar(20),
    Kind("date", _day, (*INFINITIES, "'9999-12-31'", "'5874897-12-31'", "'0044-03-15 BC'", "'0001-01-01'")),
    Kind("timestamp", _moment, _moments("")),
    Kind("timestamptz", _moment, _moments("+00")),
    Kind("time", lambda chance: f"'{chance.randint(0, 23):02d}:59:07.000001'", ("'24:00:00'",)),
    Kind("interval", lambda chance: f"'{chance.randint(0, 99)} days 61 minutes'", ("'-178000000 years'",)),
    Kind("uuid", lambda chance: uuid_of(chance.randint(0, 10**9))),
    Kind("json", _json, ("'null'", "'[]'", "'\"\"'")),
    Kind("jsonb", _json, ("'null'", "'[]'", "'1.00'")),
    Kind("integer[]", lambda chance: f"array[{chance.randint(0, 9)}, null, -7]", ("'{}'", "'{{1,2},{3,4}}'")),
    Kind("text[]", lambda chance: f"array[{quoted(words(chance, 0, 9))}, null, '', 'NULL']", ("'{}'",)),
    Kind("bytea", lambda chance: f"'\\x{chance.randbytes(7).hex()}'", ("''", "decode(repeat('00ff', 3000), 'hex')")),
    Kind("mood", lambda chance: quoted(chance.choice(MOODS))),
)  # fmt: skip

_BEYOND_DATES = re.compile(r"infinity|BC$|^\d{5,}-|^-")


def beyond_bronze(declared: str, text: str) -> bool:
    """Whether PostgreSQL's text of a value may be one that the exact bronze type has no place for."""
    if declared.startswith("numeric("):
        return text in {"NaN", "Infinity", "-Infinity"}
    if declared.startswith(("date", "timestamp")):
        return bool(_BEYOND_DATES.search(text))
    return False
