"""What people did on the web: views, carts, checkouts, logins.

Grain: one behaviour event (event_id).
Reads: bronze events, silver.customer_identities.
Rules: an event delivered twice counts once (lowest position). An event without a user is anonymous and has no
customer. Rejected: an event of an unknown type, without id, time or session, with a field that is not of its type,
or with a time or quantity that no shop has (`contract.py`).
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform import bronze
from transform.contract import RowCheck, clean, judge, once, plausible_time, plausible_units, present
from transform.records import deliveries, field, opened, well_typed
from transform.spec import LONG, STRING, TIMESTAMP, Judged, Table, optional, required

SCHEMA = StructType(
    [
        required("event_id", STRING),
        required("type", STRING),
        required("occurred_at", TIMESTAMP),
        optional("source", STRING),
        optional("sequence", LONG),
        required("session_id", STRING),
        optional("user_id", LONG),
        optional("customer_id", STRING),
        optional("sku", STRING),
        optional("quantity", LONG),
        optional("order_id", LONG),
    ]
)
PERSONAL: tuple[str, ...] = ()
EVENT = [column for column in SCHEMA.fields if column.name != "customer_id"]
ROW_CHECKS = (
    *(present(name) for name in ("event_id", "occurred_at", "session_id")),
    RowCheck(
        "known_type",
        "type",
        "type is none of the known ones",
        "type in ('page_viewed', 'cart_changed', 'checkout_started', 'login', 'login_failed')",
    ),
    *(well_typed(name) for name in ("sequence", "user_id", "quantity", "order_id")),
    plausible_time("occurred_at"),
    plausible_units("quantity"),
)


def events(records: DataFrame) -> DataFrame:
    """Each delivery of an event, with a verdict."""
    names = [column.name for column in EVENT]
    typed = opened(records, *names).select("*", *(field(c.name, c.dataType.simpleString()) for c in EVENT))
    return once(judge(typed, ROW_CHECKS, names, F.col("_value")), "event_id")


def events_clean(judged: DataFrame, identities: DataFrame) -> DataFrame:
    """The events that pass every check, with the customer behind the user."""
    shop_users = identities.where(F.col("source") == "shop").select(
        F.col("source_user_id").try_cast("long").alias("user_id"), "customer_id"
    )
    return clean(judged).join(shop_users, on="user_id", how="left").select(*SCHEMA.names)


JUDGED = Judged(
    name="judged.events", table="silver.events_clean", reads=(bronze.EVENTS,), build=events, count_input=deliveries
)
TABLE = Table(
    name="silver.events_clean",
    grain=("event_id",),
    schema=SCHEMA,
    personal=PERSONAL,
    reads=("judged.events", "silver.customer_identities"),
    build=events_clean,
)
