"""What people did on the web: views, carts, checkouts, logins.

Grain: one behaviour event (event_id).
Reads: bronze events.
Rules: an event delivered twice counts once (lowest position). An event without a user is anonymous; who a user is
stands in silver.customer_identities. Rejected: an event of an unknown type, without id, time or session, with a field
that is not of its type, or with a time or quantity that no shop has (`contract.py`).
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform import bronze
from transform.contract import RowCheck, clean, delivery_key, judge, plausible_time, plausible_units, present
from transform.deliveries import judged_deliveries, kept_deliveries
from transform.records import field, opened, well_typed
from transform.spec import LONG, STRING, TIMESTAMP, Table, optional, required, scoped

SCHEMA = StructType(
    [
        required("event_id", STRING),
        required("type", STRING),
        required("occurred_at", TIMESTAMP),
        optional("source", STRING),
        optional("sequence", LONG),
        required("session_id", STRING),
        optional("user_id", LONG),
        optional("sku", STRING),
        optional("quantity", LONG),
        optional("order_id", LONG),
    ]
)
PERSONAL: tuple[str, ...] = ()
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
    names = SCHEMA.names
    typed = opened(records, *names).select("*", *(field(c.name, c.dataType.simpleString()) for c in SCHEMA.fields))
    return judge(typed, ROW_CHECKS, names, F.col("_value"), delivery_key("event_id"))


def events_clean(judged: DataFrame) -> DataFrame:
    """The events that pass every check."""
    return clean(judged).select(*SCHEMA.names)


FOLD = kept_deliveries("silver.judged_events", bronze.EVENTS, SCHEMA.fields, events)
JUDGED = judged_deliveries("judged.events", "silver.events_clean", FOLD)
TABLE = Table(
    name="silver.events_clean",
    grain=("event_id",),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("event_id",),
    reads=(scoped(JUDGED.name, "_key"),),
    build=events_clean,
    partitioned_by=("months(occurred_at)",),
)
