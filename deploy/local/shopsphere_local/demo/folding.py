"""A change log folded by key, in SQL: what stands in the source now. Transform folds in Spark; this one checks it."""

# A truncate (a table emptied, or copied anew) leaves nothing of what was before it.
STANDING = (
    "(SELECT * FROM rows WHERE _op <> 't'"
    " AND _position > coalesce((SELECT max(_position) FROM rows WHERE _op = 't'), ''))"
)


def live(columns: str, key: str) -> str:
    """A query of `rows`: these columns of each key's newest change, keys that are deleted left out."""
    newest = f"SELECT * FROM {STANDING} QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _position DESC) = 1"  # noqa: S608
    return f"SELECT {columns} FROM ({newest}) WHERE _op <> 'd'"  # noqa: S608 - names of the table's own columns
