"""Every version of every source user: who said what about themselves, and when it held.

Grain: one version of one source user (source, source_user_id, valid_from).
Reads: bronze users (shop), bronze marketplace orders (their buyers), silver.customer_identities.
Rules: a version starts at the source's `updated_at` (shop), or when the order that carries the buyer's details was
placed (marketplace: a later change of status says nothing new about the buyer). A deleted user's last version ends
when the account was closed, or, if that is not known, when the deletion was committed. The rest stands in
`scd2.py`. Orders without a buyer name nobody and add no version.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform import bronze
from transform.changes import since_truncate
from transform.columns import extended_timestamp
from transform.contract import judge, present
from transform.documents import opened
from transform.spec import BOOLEAN, DATE, STRING, TIMESTAMP, Judged, Table, optional, required
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
ROW_CHECKS = (present("source_user_id"), present("event_at"))


def person_changes(users: DataFrame, marketplace_orders: DataFrame) -> DataFrame:
    """Everything the sources ever said about a user, with `event_at`, `deleted` and `first_seen_at`."""
    changes = _shop_changes(users).unionByName(_buyer_changes(marketplace_orders))
    columns = [*KEY, *PERSON.names, "event_at", "first_seen_at", "deleted"]
    return judge(changes, ROW_CHECKS, columns, F.to_json(F.struct(*columns)))


def _shop_changes(users: DataFrame) -> DataFrame:
    deleted = F.col("_op") == "d"
    closed_at = F.coalesce("closed_at", "_committed_at")
    return since_truncate(users).select(
        F.lit("shop").alias("source"),
        F.col("user_id").cast("string").alias("source_user_id"),
        *PERSON.names,
        F.when(deleted, closed_at).otherwise(F.col("updated_at")).alias("event_at"),
        F.coalesce("created_at", "updated_at", "_committed_at").alias("first_seen_at"),
        deleted.alias("deleted"),
        "_position",
        F.col("_ingested_at").alias("_seen_at"),
    )


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
    documents = opened(marketplace_orders).where(F.col("_buyer.buyer_id").isNotNull())
    return documents.select(
        F.lit("marketplace").alias("source"),
        F.col("_buyer.buyer_id").alias("source_user_id"),
        *(known.get(field.name, F.lit(None)).cast(field.dataType).alias(field.name) for field in PERSON.fields),
        placed_at.alias("event_at"),
        placed_at.alias("first_seen_at"),
        F.lit(False).alias("deleted"),
        "_position",
        F.col("_ingested_at").alias("_seen_at"),
    )


def users_scd(judged: DataFrame, identities: DataFrame) -> DataFrame:
    """The versions of the source users, with the customer each of them is."""
    positions = judged.where(F.col("_failed").isNull()).select(*KEY, *PERSON.names, "event_at", "deleted", "_position")
    histories = versions(positions, KEY, tuple(PERSON.names))
    customers = identities.select(*KEY, "customer_id")
    return histories.join(customers, on=list(KEY), how="left").select(*KEY, "customer_id", *PERSON.names, *STAMPS)


JUDGED = Judged(
    name="judged.person_changes",
    table="silver.users_scd",
    reads=(bronze.USERS, bronze.MARKETPLACE_ORDERS),
    build=person_changes,
)
TABLE = Table(
    name="silver.users_scd",
    grain=("source", "source_user_id", "valid_from"),
    schema=SCHEMA,
    personal=PERSONAL,
    reads=("judged.person_changes", "silver.customer_identities"),
    build=users_scd,
)
