"""Every version of every source user: who said what about themselves, and when it held.

Grain: one version of one source user (source, source_user_id, valid_from).
Reads: bronze users (shop), bronze marketplace orders (their buyers), silver.customer_identities.
Rules: a version starts at the source's `updated_at` (shop), or when the order that carries the buyer's details was
placed (marketplace: a later change of status says nothing new about the buyer). The first version of a user starts at
`created_at`, when that is earlier: a shop that is copied tells only of the last change. A deleted user's last version
ends when the account was closed, or, if that is not known, when the deletion was committed. The shop's changes of a
user follow each other by position, a buyer's by the time of the order and then by position. The rest stands in
`scd2.py`. Orders without a buyer name nobody and add no version. Rejected: a change without user or time, and one with
a time or a birthday that nobody has.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform import bronze
from transform.changes import filled, first_of
from transform.columns import extended_timestamp
from transform.contract import RowCheck, judge, plausible_time, present
from transform.documents import opened
from transform.records import deliveries
from transform.spec import BOOLEAN, DATE, STRING, TIMESTAMP, Fold, Judged, Table, optional, required, scoped
from transform.versions import STAMPS, versions

KEY = ("source", "source_user_id")
PERSON = StructType(
    [
        optional("loyalty_number", STRING),
        optional("first_name", STRING),
        optional("last_name", STRING),
        optional("email", STRING),
        optional("phone", STRING),
        optional("street", STRING),
        optional("city", STRING),
        optional("postal_code", STRING),
        optional("state", STRING),
        optional("birth_date", DATE),
        optional("age_band", STRING),
        optional("income_band", STRING),
        optional("home_ownership", STRING),
        optional("marital_status", STRING),
        optional("household_size", STRING),
        optional("household_composition", STRING),
        optional("kids_count", STRING),
        optional("marketing_consent", BOOLEAN),
    ]
)
PERSONAL = tuple(PERSON.names)
SCHEMA = StructType(
    [
        required("source", STRING),
        required("source_user_id", STRING),
        required("customer_id", STRING),
        *PERSON.fields,
        required("valid_from", TIMESTAMP),
        optional("end_date", TIMESTAMP),
        required("is_current", BOOLEAN),
        required("is_deleted", BOOLEAN),
    ]
)
# A birthday is a date of a person alive in the time of the shop; readers hold dates up to the year 9999.
BIRTH_YEARS = (1850, 2199)
ROW_CHECKS = (
    present("source_user_id"),
    present("event_at"),
    plausible_time("event_at"),
    plausible_time("first_seen_at"),
    RowCheck(
        "plausible",
        "birth_date",
        f"birth_date is not in the years {BIRTH_YEARS[0]} to {BIRTH_YEARS[1]}",
        f"birth_date is null or year(birth_date) between {BIRTH_YEARS[0]} and {BIRTH_YEARS[1]}",
    ),
)


_SCOPE = "concat(source, ':', _user)"
CHANGES = StructType(
    [
        *(required(name, STRING) for name in KEY),
        *PERSON.fields,
        optional("event_at", TIMESTAMP),
        optional("first_seen_at", TIMESTAMP),
        required("deleted", BOOLEAN),
        optional("_order", STRING),
        required("_op", STRING),
        optional("_unchanged", STRING),
        required("_position", STRING),
        optional("_seen_at", TIMESTAMP),
    ]
)


def changes_of_persons(users: DataFrame, marketplace_orders: DataFrame) -> DataFrame:
    """Everything the sources say about a user, with `event_at`, `deleted` and `first_seen_at`."""
    changes = _shop_changes(users).unionByName(_buyer_changes(marketplace_orders))
    # A change of nobody is nobody's; it is kept, to be rejected as such.
    return changes.withColumn("source_user_id", F.coalesce("source_user_id", F.lit(""))).select(*CHANGES.names)


def each_once(changes: DataFrame) -> DataFrame:
    """All changes, one that was delivered twice once: every fact is kept, for a late one may make it matter."""
    # Should two be said at one position, a delete wins.
    return first_of(changes, (*KEY, "_position"), F.desc("deleted"), "_seen_at").select(*CHANGES.names)


def since_emptied(changes: DataFrame, emptied_at: str) -> DataFrame:
    """The changes that a truncate of the shop's users leaves standing."""
    return changes.where((F.col("source") != "shop") | (F.col("_position") > F.lit(emptied_at)))


def person_changes(changes: DataFrame) -> DataFrame:
    """The changes with a verdict each."""
    incomplete = F.broadcast(changes.where(F.col("_unchanged").isNotNull()).select(*KEY).distinct())
    complete = changes.join(incomplete, list(KEY), "left_anti")
    all_values = complete.unionByName(filled(changes.join(incomplete, list(KEY), "left_semi"), *KEY))
    named = all_values.withColumn("_user", F.col("source_user_id")).withColumn(
        "source_user_id", F.nullif("source_user_id", F.lit(""))
    )
    columns = [*KEY, *PERSON.names, "event_at", "first_seen_at", "deleted"]
    raw = F.to_json(F.struct(*columns))
    return judge(named, ROW_CHECKS, [*columns, "_order", "_user"], raw, _SCOPE)


def _shop_changes(users: DataFrame) -> DataFrame:
    deleted = F.col("_op") == "d"
    closed_at = F.coalesce("closed_at", "_committed_at")
    return users.where(F.col("_op") != "t").select(
        F.lit("shop").alias("source"),
        F.col("user_id").cast("string").alias("source_user_id"),
        *PERSON.names,
        F.when(deleted, closed_at).otherwise(F.col("updated_at")).alias("event_at"),
        F.coalesce("created_at", "updated_at", "_committed_at").alias("first_seen_at"),
        deleted.alias("deleted"),
        F.col("_position").alias("_order"),
        "_op",
        "_unchanged",
        "_position",
        F.col("_ingested_at").alias("_seen_at"),
    )


# An old order may change its status after a new one was placed, and still shows the buyer as it was then.
_SORTABLE = "yyyy-MM-dd HH:mm:ss.SSSSSS"


def _buyer_changes(marketplace_orders: DataFrame) -> DataFrame:
    name = F.trim("_buyer.name")
    known: dict[str, Column] = {
        "first_name": F.substring_index(name, " ", 1),
        "last_name": F.regexp_extract(name, r"^\S+\s+(.*)$", 1),
        "loyalty_number": F.col("_buyer.loyalty_number"),
        "email": F.col("_buyer.email"),
        "phone": F.col("_buyer.phone"),
        **{part: F.col(f"_buyer.address.{part}") for part in ("street", "city", "postal_code", "state")},
    }
    placed_at = extended_timestamp(F.col("_order.placed_at"))
    return _naming_a_buyer(marketplace_orders).select(
        F.lit("marketplace").alias("source"),
        F.col("_buyer.buyer_id").alias("source_user_id"),
        *(known.get(field.name, F.lit(None)).cast(field.dataType).alias(field.name) for field in PERSON.fields),
        placed_at.alias("event_at"),
        placed_at.alias("first_seen_at"),
        F.lit(False).alias("deleted"),
        F.concat_ws("/", F.date_format(placed_at, _SORTABLE), "_position").alias("_order"),
        "_op",
        F.lit(None).cast("string").alias("_unchanged"),
        "_position",
        F.col("_ingested_at").alias("_seen_at"),
    )


def _naming_a_buyer(marketplace_orders: DataFrame) -> DataFrame:
    return opened(marketplace_orders).where(F.col("_buyer.buyer_id").isNotNull())


def said(users: DataFrame, marketplace_orders: DataFrame) -> DataFrame:
    """How many changes of users there are: those of the shop, and orders that name a buyer."""
    counts = [
        changes.agg(F.count(F.lit(1)).alias("changes"))
        for changes in (users.where(F.col("_op") != "t"), _naming_a_buyer(marketplace_orders))
    ]
    return counts[0].unionByName(counts[1]).agg(F.sum("changes"))


def users_scd(judged: DataFrame, identities: DataFrame) -> DataFrame:
    """The versions of the source users, with the customer each of them is."""
    histories = versions(accepted(judged), KEY, tuple(PERSON.names))
    customers = identities.select(*KEY, "customer_id")
    return histories.join(customers, on=list(KEY), how="left").select(*KEY, "customer_id", *PERSON.names, *STAMPS)


def accepted(judged: DataFrame, *more: str) -> DataFrame:
    """The changes that passed every check, as `versions` takes them, and more columns."""
    return judged.where(F.col("_failed").isNull()).select(
        *KEY,
        *PERSON.names,
        "event_at",
        F.col("first_seen_at").alias("exists_since"),
        "deleted",
        F.col("_order").alias("_position"),
        *more,
    )


FOLD = Fold(
    name="silver.person_changes",
    grain=(*KEY, "_position"),
    schema=CHANGES,
    personal=PERSONAL,
    scope=KEY,
    reads=(bronze.USERS, bronze.MARKETPLACE_ORDERS),
    arrive=changes_of_persons,
    fold=each_once,
    sorted_by=KEY,
    emptied_with=bronze.USERS,
    void=since_emptied,
    count_arrivals=said,
)
JUDGED = Judged(
    name="judged.person_changes",
    table="silver.users_scd",
    scope=("source", "_user"),
    key=_SCOPE,
    reads=(scoped("silver.person_changes", "source", "source_user_id"),),
    build=person_changes,
    count_input=deliveries,
    fold=FOLD.name,
    row_per_input=False,
)
TABLE = Table(
    name="silver.users_scd",
    grain=("source", "source_user_id", "valid_from"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=KEY,
    reads=(
        scoped("judged.person_changes", "source", "_user"),
        scoped("silver.customer_identities", *KEY),
    ),
    build=users_scd,
    sorted_by=KEY,
)
