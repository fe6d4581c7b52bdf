"""Column → Column: contacts in one spelling, surrogate keys, and canonical extended JSON as exact values."""

from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType

# Canonical extended JSON v2 wraps every number and date in an object with one of these names.
_WRAPPERS = "`$numberInt` string, `$numberLong` string, `$numberDecimal` string, `$date` string"
# Clears the sign bit, so that keys are positive in every engine.
_POSITIVE = 0x7FFF_FFFF_FFFF_FFFF
# Wide enough to hold an amount of any sane precision exactly before it is compared with its rounded self.
_WIDE = DecimalType(38, 18)
# Spark counts microseconds in 64 bits; more milliseconds than this do not fit.
_MILLISECONDS_MAX = (2**63 - 1) // 1000
_RFC_3339 = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$"


def normalised_email(email: Column) -> Column:
    """The address in lower case without surrounding blanks; null when it has no `@`.

    ' Ann.Lee@Shop.Example ' → 'ann.lee@shop.example'
    """
    address = F.lower(F.trim(email))
    return F.when(address.rlike("^[^@ ]+@[^@ ]+$"), address)


def email_identity(email: Column) -> Column:
    """What two spellings of one mailbox share: no `+tag`, and no dots in a Gmail name.

    'A.Lee+shop@gmail.com' → 'alee@gmail.com'; 'a.lee+shop@shop.example' → 'a.lee@shop.example'
    """
    address = normalised_email(email)
    name = F.regexp_replace(F.substring_index(address, "@", 1), r"\+.*$", "")
    domain = F.regexp_replace(F.substring_index(address, "@", -1), "^googlemail[.]com$", "gmail.com")
    plain = F.when(domain == "gmail.com", F.regexp_replace(name, "[.]", "")).otherwise(name)
    return F.concat(plain, F.lit("@"), domain)


def e164(phone: Column) -> Column:
    """The number as `+` and digits; ten digits are taken as North American, an extension is cut off.

    '(212) 555-0187 x12' → '+12125550187'; '0044 20 7946 0000' → '+442079460000'; '555' → null
    """
    main = F.regexp_replace(F.lower(F.trim(phone)), r"\s*(x|ext|#).*$", "")
    digits = F.regexp_replace(F.regexp_replace(main, r"[^0-9]", ""), "^00", "")
    is_international = main.rlike(r"^(\+|00)") & F.length(digits).between(8, 15)
    is_national = ~main.rlike(r"^\+") & (F.length(digits) == 10)
    has_country_one = digits.rlike("^1[0-9]{10}$")
    return (
        F.when(has_country_one, F.concat(F.lit("+"), digits))
        .when(is_national, F.concat(F.lit("+1"), digits))
        .when(is_international, F.concat(F.lit("+"), digits))
    )


def surrogate_key(*parts: Column) -> Column:
    """A positive 64-bit key that depends on the parts alone; never 0, which is the unknown member."""
    key = F.xxhash64(*parts).bitwiseAND(F.lit(_POSITIVE))
    return F.when(key == 0, F.lit(1).cast("long")).otherwise(key)


def date_key(moment: Column) -> Column:
    """The UTC day as the number yyyymmdd."""
    return F.date_format(moment, "yyyyMMdd").cast("int")


def exact_decimal(text: Column, precision: int, scale: int) -> Column:
    """The decimal that the text spells; null when it spells none, or one that would have to be rounded."""
    wide = text.try_cast(_WIDE)
    narrow = wide.try_cast(DecimalType(precision, scale))
    return F.when(narrow == wide, narrow)


def rfc3339(text: Column) -> Column:
    """The moment that the text names; null when it has no zone or is no such time."""
    return F.when(text.rlike(_RFC_3339), text.try_cast("timestamp"))


def extended_long(raw: Column) -> Column:
    """A 32- or 64-bit integer in canonical extended JSON; null for any other type."""
    value = F.from_json(raw, _WRAPPERS)
    return F.coalesce(value["$numberLong"], value["$numberInt"]).try_cast("long")


def extended_decimal(raw: Column, precision: int, scale: int) -> Column:
    """A Decimal128 or an integer in canonical extended JSON, exactly; null for a double, which is no amount."""
    value = F.from_json(raw, _WRAPPERS)
    text = F.coalesce(value["$numberDecimal"], value["$numberLong"], value["$numberInt"])
    return exact_decimal(text, precision, scale)


def extended_timestamp(raw: Column) -> Column:
    """A Date in canonical extended JSON: milliseconds since 1970 in UTC; one beyond 64-bit microseconds is the edge."""
    milliseconds = extended_long(F.from_json(raw, _WRAPPERS)["$date"])
    # Null stays null, and what the edge stands for is far outside of any check of a time.
    return F.timestamp_millis(
        F.when(milliseconds > _MILLISECONDS_MAX, _MILLISECONDS_MAX)
        .when(milliseconds < -_MILLISECONDS_MAX, -_MILLISECONDS_MAX)
        .otherwise(milliseconds)
    )


def sum_where(amount: str, condition: Column) -> Column:
    """The sum of a column over the rows that meet a condition; zero when none does."""
    return F.sum(F.when(condition, F.col(amount)).otherwise(F.lit(0)))


def all_of(*conditions: Column) -> Column:
    """The conjunction of conditions."""
    return reduce(lambda left, right: left & right, conditions)
