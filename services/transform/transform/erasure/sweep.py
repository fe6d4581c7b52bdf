"""Files of the warehouse that no table names, searched for the person: what deletes and expiries left behind.

A young one may be about to be committed, so it stays, and is told of; whoever knows that nothing is being written
may set the age to nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyarrow import ArrowInvalid
from pyiceberg.catalog import Catalog
from shopsphere_kit.logging import get_logger

from transform.erasure import data_file, references
from transform.erasure.journal import FOLDER
from transform.erasure.person import Person
from transform.erasure.rules import rule_for
from transform.scanner.canaries import Canaries
from transform.scanner.scan import Scan
from transform.spec import Stored
from transform.warehouse import StoredFile, Warehouse

log = get_logger(__name__)


@dataclass
class Swept:
    """Files that nobody names and that held the person: removed, or too young to be."""

    removed: int = 0
    left: int = 0


def sweep(
    catalog: Catalog, warehouse: Warehouse, who: Person, declared: Mapping[str, Stored], now: datetime, age: timedelta
) -> Swept:
    """Remove what is older than `age` and holds the person."""
    named, folders = _named(catalog, warehouse)
    scan = Scan(catalog, warehouse, Canaries(who.texts))
    done = Swept()
    for file in list(warehouse.files()):
        if file.path in named or file.name.startswith(f"{FOLDER}/"):
            continue
        table = next((name for folder, name in folders.items() if file.path.startswith(f"{folder}/")), None)
        if _holds(catalog, warehouse, file, table, who, declared) or (who.texts and scan.found(file)):
            if now - file.changed_at >= age:
                done.removed += warehouse.delete(file.path)
            else:
                done.left += 1
                log.warning("file that no table names holds the person and is young", file=file.name)
    return done


def _named(catalog: Catalog, warehouse: Warehouse) -> tuple[set[str], dict[str, str]]:
    """The paths that tables name, their earlier metadata files with what those name too; and the tables' folders."""
    paths, folders = set[str](), dict[str, str]()
    for namespace in catalog.list_namespaces():
        for identifier in catalog.list_tables(namespace):
            table = catalog.load_table(identifier)
            reader = references.Reader(table.io)
            metadata = references.load(table.io, table.metadata_location)
            locations = [table.metadata_location, *(each["metadata-file"] for each in metadata.get("metadata-log", ()))]
            for location in locations:
                try:
                    names = references.named_by(references.load(table.io, location), reader)
                except FileNotFoundError:
                    continue
                paths |= {warehouse.path(path) for path in names.all | names.deleted | {location}}
            folders[warehouse.path(table.location()).rstrip("/")] = ".".join(identifier)
    return paths, folders


def _holds(
    catalog: Catalog,
    warehouse: Warehouse,
    file: StoredFile,
    name: str | None,
    who: Person,
    declared: Mapping[str, Stored],
) -> bool:
    """Whether a file of rows in a table's folder has some of the person, by the rule of the table."""
    if name is None or not file.name.endswith(".parquet"):
        return False
    table = catalog.load_table(name)
    columns = data_file.current_names(references.load(table.io, table.metadata_location))
    rule = rule_for(name, sorted(set(columns.values())), (), declared.get(name), who)
    try:
        return rule is not None and data_file.changes(warehouse.io, file.path, rule, columns)
    except (ArrowInvalid, FileNotFoundError):
        return False
