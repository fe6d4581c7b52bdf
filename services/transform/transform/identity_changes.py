"""What a change of the records changes in links and customers: the resolver's `update`, from frames and back to frames.

All records and links pass through this process as Arrow, once for both tables; comparing and clustering follow the
change.
"""

from weakref import WeakKeyDictionary

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transform.identity import arrow
from transform.spec import Difference, Read

RECORDS, LINKS, IDENTITIES = "silver.identity_records", "silver.identity_links", "silver.customer_identities"
# By the new records; forgotten with them when the run ends.
_FOUND: WeakKeyDictionary[DataFrame, arrow.Changed] = WeakKeyDictionary()


def links_changed(read: Read, changed: Difference) -> Difference:
    """The links that a change of the records ends, replaces and makes."""
    found = _found(read, changed)
    return _difference(read(LINKS), found.links, found.lost_links)


def identities_changed(read: Read, changed: Difference) -> Difference:
    """The identities that a change of the records ends, replaces and makes."""
    found = _found(read, changed)
    return _difference(read(IDENTITIES), found.identities, found.lost_identities)


def _found(read: Read, changed: Difference) -> arrow.Changed:
    found = _FOUND.get(changed.after)
    if found is None:
        records, links = _table(read(RECORDS), arrow.RECORDS), _table(read(LINKS), arrow.LINKS)
        new, gone = _table(changed.after, arrow.RECORDS), _table(changed.before, arrow.USERS)
        found = _FOUND[changed.after] = arrow.update(records, links, new, gone)
    return found


def _table(rows: DataFrame, schema: pa.Schema) -> pa.Table:
    return rows.select(*schema.names).toArrow().cast(schema)


def _difference(stored: DataFrame, new: pa.Table, lost: pa.Table) -> Difference:
    key = lost.schema.names
    spark = stored.sparkSession
    keys = spark.createDataFrame(pa.concat_tables([new.select(key), lost]))
    return Difference(stored.join(F.broadcast(keys), key, "left_semi"), spark.createDataFrame(new))
