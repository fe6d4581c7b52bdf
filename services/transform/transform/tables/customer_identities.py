"""Which customer each source user is, and the evidence.

Grain: one source user (source, source_user_id).
Reads: silver.identity_records, silver.identity_links.
Rules: `identity/`; a customer is the users that links connect and that agree as a whole, and bears the id of its
oldest one. `evidence` is the strongest that links the user to `linked_to`, another of the customer: a rule's
attribute or "resemblance", of `weight` hundredths of a bit, since both are known (`linked_at`); "self" is the
customer's oldest user.
Merges: `former_customer_ids` are the customers that the user was before, had the users come one by one in the order of
their first sighting; the last is the latest. Splits: `split_from` is the customer that links lead to and that the user
is kept apart from. All of it follows from the set of records, whatever the order of arrival.
"""

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructType

from transform.identity import arrow
from transform.identity_changes import LINKS, RECORDS, identities_changed
from transform.spec import INT, STRING, TIMESTAMP, Table, optional, required, scoped

SCHEMA = StructType(
    [
        required("source", STRING),
        required("source_user_id", STRING),
        required("customer_id", STRING),
        required("evidence", STRING),
        required("linked_to", STRING),
        required("linked_at", TIMESTAMP),
        required("weight", INT),
        required("former_customer_ids", ArrayType(STRING)),
        optional("split_from", STRING),
    ]
)
PERSONAL: tuple[str, ...] = ()


def customer_identities(records: DataFrame, links: DataFrame) -> DataFrame:
    """One row per source user that was ever seen, deleted ones included."""
    sides = [
        frame.select(F.lit(0).alias("_all"), *schema.names).groupBy("_all")
        for frame, schema in ((records, arrow.RECORDS), (links, arrow.LINKS))
    ]
    return sides[0].cogroup(sides[1]).applyInArrow(_identities, SCHEMA)


def _identities(records: pa.Table, links: pa.Table) -> pa.Table:
    return arrow.identities(
        records.select(arrow.RECORDS.names).cast(arrow.RECORDS), links.select(arrow.LINKS.names).cast(arrow.LINKS)
    )


TABLE = Table(
    name="silver.customer_identities",
    grain=("source", "source_user_id"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=(),
    reads=(scoped(RECORDS), scoped(LINKS)),
    build=customer_identities,
    # A change of links alone there is none: they follow from the records.
    update=lambda read, changed: identities_changed(read, changed[RECORDS]),
)
