"""Which customer each source user is, and the evidence.

Grain: one source user (source, source_user_id).
Reads: the users of the shop and the buyers of the marketplace, in all their versions.
Rules: `identity.py`. E-mail addresses and phones are compared in their normal spelling. `evidence` is what the user
shares with `linked_to` ("self": nothing, or it is the customer's oldest record), since `linked_at`.
Size: the clues of all users pass through one Arrow partition, about 200 bytes each; a million users need 1 GB there.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform.columns import e164, email_identity
from transform.declared import made_from
from transform.identity import Clue, Identity, SourceUser, resolve
from transform.spec import STRING, TIMESTAMP, Table, required, scoped

SCHEMA = StructType(
    [
        required("source", STRING),
        required("source_user_id", STRING),
        required("customer_id", STRING),
        required("evidence", STRING),
        required("linked_to", STRING),
        required("linked_at", TIMESTAMP),
    ]
)
PERSONAL: tuple[str, ...] = ()


def customer_identities(judged: DataFrame) -> DataFrame:
    """One row per source user that was ever seen, deleted ones included."""
    return clues(judged).repartition(1).mapInArrow(_resolve, SCHEMA).select(*SCHEMA.names)


def clues(judged: DataFrame) -> DataFrame:
    """Each source user once without a kind, and once per value it was seen to use: the input of `identity.resolve`."""
    known: dict[str, Column] = {
        "loyalty_number": F.upper(F.trim("loyalty_number")),
        "email": email_identity(F.col("email")),
        "phone": e164(F.col("phone")),
    }
    # A clue is as old as the first version that has it; the user itself is as old as the source says.
    seen = [
        F.struct(F.lit(None).cast("string").alias("kind"), F.lit(None).cast("string").alias("value"), _first_seen())
    ]
    seen += [
        F.struct(F.lit(kind).alias("kind"), value.alias("value"), F.col("event_at").alias("seen_at"))
        for kind, value in known.items()
    ]
    each = judged.where(F.col("_failed").isNull()).select("source", "source_user_id", F.inline(F.array(*seen)))
    is_clue = F.col("kind").isNull() | (F.length("value") > 0)
    return (
        each.where(is_clue).groupBy("source", "source_user_id", "kind", "value").agg(F.min("seen_at").alias("seen_at"))
    )


def _first_seen() -> Column:
    return F.least("first_seen_at", "event_at").alias("seen_at")


# Who is whose customer follows from all clues; the user is one of those that went in.
@made_from(source=("source",), source_user_id=("source_user_id",))
def _resolve(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    rows = (row for batch in batches for row in batch.to_pylist())
    identities = resolve(
        Clue(SourceUser(row["source"], row["source_user_id"]), row["seen_at"], row["kind"], row["value"])
        for row in rows
    )
    if identities:
        yield pa.RecordBatch.from_pylist([_row(identity) for identity in identities], schema=_ARROW_SCHEMA)


_ARROW_SCHEMA = pa.schema(
    [(name, pa.string()) for name in SCHEMA.names[:-1]] + [("linked_at", pa.timestamp("us", tz="UTC"))]
)


def _row(identity: Identity) -> dict[str, object]:
    return {
        "source": identity.user.source,
        "source_user_id": identity.user.source_user_id,
        "customer_id": identity.customer_id,
        "evidence": identity.evidence,
        "linked_to": str(identity.linked_to),
        "linked_at": identity.linked_at,
    }


TABLE = Table(
    name="silver.customer_identities",
    grain=("source", "source_user_id"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=(),
    reads=(scoped("judged.person_changes"),),
    build=customer_identities,
)
