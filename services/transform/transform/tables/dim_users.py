"""The users of all sources, in all their versions (slowly changing dimension, type 2).

Grain: one version of one source user (user_key); plus the unknown member, key 0.
Reads: silver.users_scd.
Rules: `user_key` is a hash of source, source_user_id and start_date, so that a rebuild gives the same keys.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform.columns import surrogate_key
from transform.dimension import UNKNOWN, UNKNOWN_KEY, with_unknown
from transform.spec import BOOLEAN, LONG, STRING, TIMESTAMP, Table, optional, required, scoped
from transform.tables.users_scd import PERSON

SCHEMA = StructType(
    [
        required("user_key", LONG),
        optional("customer_id", STRING),
        required("source", STRING),
        required("source_user_id", STRING),
        *PERSON.fields,
        optional("start_date", TIMESTAMP),
        optional("end_date", TIMESTAMP),
        required("is_current", BOOLEAN),
        required("is_deleted", BOOLEAN),
    ]
)
PERSONAL = tuple(PERSON.names)


def dim_users(users: DataFrame) -> DataFrame:
    """The versions under their keys, and the unknown user."""
    key = surrogate_key(F.col("source"), F.col("source_user_id"), F.col("valid_from"))
    versions = users.withColumn("user_key", key).withColumnRenamed("valid_from", "start_date").select(*SCHEMA.names)
    return with_unknown(
        versions,
        SCHEMA,
        user_key=UNKNOWN_KEY,
        source=UNKNOWN,
        source_user_id=UNKNOWN,
        is_current=False,
        is_deleted=False,
    ).select(*SCHEMA.names)


TABLE = Table(
    name="gold.dim_users",
    grain=("user_key",),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("source", "source_user_id"),
    reads=(scoped("silver.users_scd", "source", "source_user_id"),),
    build=dim_users,
)
