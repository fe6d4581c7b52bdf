"""Columns that had another name once: tables that were made then get the name of today when they are loaded."""

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

# Iceberg has a metadata column `_file` and refuses to rewrite the files of a table with a column of that name.
_RENAMED = {"_file": "_source_file"}
_METRICS = "write.metadata.metrics.column."


def renamed(table: Table) -> Table:
    """The table with the column names of today; its files stay as they are, for Iceberg knows columns by number."""
    old = [name for name in _RENAMED if name in table.schema().column_names]
    if not old:
        return table
    try:
        with table.transaction() as change:
            with change.update_schema() as update:
                for name in old:
                    update.rename_column(name, _RENAMED[name])
            change.set_properties({_METRICS + _RENAMED[name]: "full" for name in old})
            change.remove_properties(*(_METRICS + name for name in old if _METRICS + name in table.properties))
    except CommitFailedException:
        return renamed(table.refresh())
    return table
