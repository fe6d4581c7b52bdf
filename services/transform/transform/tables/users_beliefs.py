"""What the platform believed about every source user, and when (system time beside the time of `users_scd`).

Grain: one version of one source user as it was believed from one moment on
(source, source_user_id, valid_from, recorded_at).
Reads: the changes of users_scd, in all their versions.
Rules: `beliefs.py`. `recorded_at` is when bronze got the change that made us believe the version, `superseded_at` when
it got one that made it another, null while it is believed. What we believed on day D:
`where recorded_at <= D and (superseded_at is null or superseded_at > D)`. The history as we see it now has
`superseded_at is null`, and is users_scd. Who a user is today stands in silver.customer_identities, which has no system
time. Changes that a truncate of the source made void are not told of: they leave this table when they leave users_scd.
"""

from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from transform.spec import TIMESTAMP, Table, optional, required, scoped
from transform.tables.users_scd import KEY, PERSON, accepted
from transform.tables.users_scd import PERSONAL as PERSONAL_OF_USERS
from transform.tables.users_scd import SCHEMA as SCHEMA_OF_USERS
from transform.versions import beliefs

SCHEMA = StructType(
    [
        *(field for field in SCHEMA_OF_USERS.fields if field.name != "customer_id"),
        required("recorded_at", TIMESTAMP),
        optional("superseded_at", TIMESTAMP),
    ]
)
PERSONAL = PERSONAL_OF_USERS


def users_beliefs(judged: DataFrame) -> DataFrame:
    """Every belief about every source user."""
    recorded = judged.withColumnRenamed("_seen_at", "recorded_at")
    return beliefs(accepted(recorded, "recorded_at"), KEY, tuple(PERSON.names)).select(*SCHEMA.names)


TABLE = Table(
    name="silver.users_beliefs",
    grain=("source", "source_user_id", "valid_from", "recorded_at"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=KEY,
    reads=(scoped("judged.person_changes", "source", "_user"),),
    build=users_beliefs,
)
