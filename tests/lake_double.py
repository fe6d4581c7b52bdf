"""A lakehouse for the report's sums: named Arrow tables, and nothing in quarantine."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc


class LakeDouble:
    """Stands where the report reads bronze."""

    def __init__(self, tables: dict[str, pa.Table]) -> None:
        self._tables = tables

    def bronze(self, table: str, columns: Sequence[str] = ()) -> pa.Table:
        """The rows of a table."""
        return self._tables[table].select(list(columns)) if columns else self._tables[table]

    def records(self, table: str, columns: Sequence[str]) -> pa.Table:
        """The rows of a topic's table that were not rejected."""
        rows = self._tables[table]
        good = rows.filter(pc.field("_rejected").is_null()) if "_rejected" in rows.column_names else rows
        return good.select(list(columns))
