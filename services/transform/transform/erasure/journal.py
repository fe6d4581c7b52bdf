"""What still has to be deleted, written down before the catalog lets go of it; the next run finishes a killed one.

A journal names only files that committed metadata named. Such a file that the table no longer names is nobody's, and
never one that a writer is about to commit; so whoever comes later may delete it.
"""

import json
import uuid
from collections.abc import Callable, Iterable

from transform.warehouse import Warehouse

# Its files hold paths alone. It lies in the warehouse, so that it is there for a run on another machine too.
FOLDER = "_erasing"


class Journal:
    """The notes of all runs, of those that ended long ago too."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def note(self, table: str, paths: Iterable[str], name: str | None = None) -> str:
        """Write down, or anew under the same name, what a table may no longer name soon; returns the note's name."""
        name = name or f"{FOLDER}/{uuid.uuid4()}.json"
        self._warehouse.write(name, json.dumps({"table": table, "paths": sorted(paths)}).encode())
        return name

    def settle(self, named: Callable[[str], set[str]]) -> int:
        """Delete what is noted and no longer named; `named` tells what a table names now. How many files went."""
        return sum(self.settle_one(file.name, named) for file in list(self._warehouse.files(FOLDER)))

    def settle_one(self, name: str, named: Callable[[str], set[str]]) -> int:
        """The same for one note."""
        try:
            noted = json.loads(self._warehouse.read(name))
        except ValueError:
            # Killed while it wrote: then the catalog still names everything.
            noted = {"table": None, "paths": []}
        still = named(noted["table"]) if noted["paths"] else set()
        deleted = sum(
            self._warehouse.delete(self._warehouse.path(path)) for path in noted["paths"] if path not in still
        )
        self._warehouse.delete_named(name)
        return deleted
