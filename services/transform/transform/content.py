"""The hash of a table's content: the same rows give the same hash, whatever their order, files or snapshots."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType

_WIDE = DecimalType(38, 0)  # the sum of 10^19 hashes of 64 bits still fits


def content_hash(rows: DataFrame) -> str:
    """The count of rows, the sum and the exclusive-or of their 64-bit hashes, as `count-sum-xor` in hex."""
    row = F.xxhash64(*rows.columns)
    count, total, parity = rows.agg(F.count(F.lit(1)), F.sum(row.cast(_WIDE)), F.bit_xor(row)).collect()[0]
    return f"{count}-{int(total or 0) % 2**128:032x}-{(parity or 0) % 2**64:016x}"
