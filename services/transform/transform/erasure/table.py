"""One table under an erasure: which of its files hold the person, and its history without them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyarrow import ArrowInvalid
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io import FileIO
from shopsphere_kit.errors import FailedPrecondition, Unavailable
from shopsphere_kit.logging import get_logger

from transform.erasure import data_file, history, references
from transform.erasure.journal import Journal
from transform.erasure.person import Person
from transform.erasure.rules import Rule, rule_for
from transform.spec import Stored

# Ingest commits about once a second, and a try takes less: what was written for the last one is used again.
_ATTEMPTS_MAX = 100
_TEXTS = frozenset({"string", "binary"})
Step = Callable[[str], None]

log = get_logger(__name__)


@dataclass
class Outcome:
    """What was done to a table, in numbers."""

    rows: int = 0
    files_rewritten: int = 0
    manifests_rewritten: int = 0
    snapshots: int = 0
    files_deleted: int = 0


@dataclass(frozen=True)
class Version:
    """A table as one metadata file has it, with the files of versions before that are still noted in it."""

    location: str
    metadata: Mapping[str, Any]
    names: references.Names
    past: references.Names
    past_locations: frozenset[str]

    @cached_property
    def columns(self) -> dict[int, str]:
        """The columns by their ids, those that the table no longer has too."""
        return data_file.current_names(self.metadata)


@dataclass
class TableErasure:
    """The work on one table; what was learned about its files is kept from one look to the next."""

    catalog: Catalog
    journal: Journal
    name: str
    declared: Stored | None
    step: Step = lambda _: None
    outcome: Outcome = field(default_factory=Outcome)
    _groups: dict[str, list[int]] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)

    def is_structured(self, who: Person) -> bool:
        """Whether rows of the table are found by a key, and so tell what else names the person."""
        rule = self._rule(self._look(), who)
        return rule is not None and rule.is_structured

    def values(self, who: Person) -> set[tuple[str, str]]:
        """What names the person in any row that any snapshot has."""
        version = self._look()
        rule = self._rule(version, who)
        if rule is None or not rule.is_structured:
            return set()
        self._inspect(version, rule)
        found = set[tuple[str, str]]()
        for path, groups in self._groups.items():
            if groups:
                found |= data_file.values_in(self._io, path, groups, rule, version.columns)
        return found

    def erase(self, who: Person) -> None:
        """Write the history without the person, and delete what it was. Raises Unavailable when writers never pause."""
        rewriting: history.Rewriting | None = None
        note: str | None = None
        for _ in range(_ATTEMPTS_MAX):
            version = self._look()
            rule = self._rule(version, who)
            if rule is None:
                return
            self._inspect(version, rule)
            rewriting = rewriting or history.Rewriting(self._io, _ids(version.metadata, rule))
            try:
                self._replace(version, rule, rewriting)
            except FileNotFoundError:
                log.info("a snapshot expired meanwhile, looking again", table=self.name)
                continue
            metadata = self._metadata(version, rewriting)
            if metadata is None:
                return
            self.step("files written")
            location = history.write_metadata(self._io, metadata, version.location)
            note = self.journal.note(self.name, self._obsolete(version, metadata), note)
            self.step("noted")
            if history.swap(self.catalog, self.name, version.location, location):
                self._done(metadata, rewriting, note)
                return
            self._io.delete(location)
            log.info("table was written to meanwhile, trying again", table=self.name)
        raise Unavailable(f"{self.name} was written to whenever its history was to be exchanged; run erase again")

    @cached_property
    def _io(self) -> FileIO:
        return self.catalog.load_table(self.name).io

    @cached_property
    def _reader(self) -> references.Reader:
        return references.Reader(self._io)

    def _look(self) -> Version:
        location = self.catalog.load_table(self.name).metadata_location
        metadata = references.load(self._io, location)
        logged = [entry["metadata-file"] for entry in metadata.get("metadata-log", ())]
        past, present = references.Names(), list[str]()
        for each in logged:
            try:
                older = references.named_by(references.load(self._io, each), self._reader)
            except FileNotFoundError:
                continue
            present.append(each)
            for kind in ("data", "row_deletes", "deleted", "manifests", "lists", "others"):
                getattr(past, kind).update(getattr(older, kind))
        names = references.named_by(metadata, self._reader)
        return Version(location, metadata, names, past, frozenset(present))

    def _rule(self, version: Version, who: Person) -> Rule | None:
        schema = next(
            each for each in version.metadata["schemas"] if each["schema-id"] == version.metadata["current-schema-id"]
        )
        texts = [each["name"] for each in schema["fields"] if each["type"] in list(_TEXTS)]
        return rule_for(self.name, sorted(set(version.columns.values())), texts, self.declared, who)

    def _inspect(self, version: Version, rule: Rule) -> None:
        """Find the row groups that may hold the person, of files that were not looked into yet."""
        everything = version.names.data | version.names.deleted | version.past.data | version.past.deleted
        for path in sorted(everything - self._groups.keys() - self._gone):
            try:
                self._groups[path] = data_file.looked_into(self._io, path, rule, version.columns)
            except FileNotFoundError:
                self._gone.add(path)
            except ArrowInvalid as error:
                raise FailedPrecondition(
                    f"{self.name}: {path} is not a readable Parquet file, so nobody can tell what it holds; "
                    "rewrite the table's files as Parquet, or mend this one, and run erase again"
                ) from error

    def _replace(self, version: Version, rule: Rule, rewriting: history.Rewriting) -> None:
        for path in sorted(version.names.data - rewriting.files.keys()):
            if self._groups.get(path):
                self._refuse_row_deletes(version)
                new = data_file.rewritten(self._io, path, rule, version.columns)
                if new is None:
                    self._groups[path] = []
                else:
                    rewriting.files[path] = new
                    self._groups[new.path] = []
        rewriting.gone |= self._gone | {path for path in version.names.deleted if self._groups.get(path)}

    def _refuse_row_deletes(self, version: Version) -> None:
        if version.names.row_deletes:
            raise FailedPrecondition(
                f"{self.name} has files that delete rows of others by their paths (merge-on-read), and paths change; "
                "set its write.*.mode to copy-on-write, run Iceberg's rewrite_data_files and expire_snapshots on it, "
                "and erase again"
            )

    def _metadata(self, version: Version, rewriting: history.Rewriting) -> dict[str, Any] | None:
        changed = history.rewritten_metadata(version.metadata, rewriting)
        behind = (version.past.data | version.past.deleted | version.names.deleted) - version.names.data
        if changed is None and any(self._groups.get(path) for path in behind):
            return history.without_past(version.metadata)
        return changed

    def _obsolete(self, version: Version, metadata: Mapping[str, Any]) -> set[str]:
        known = version.names.all | version.past.all | version.past_locations | {version.location}
        known |= {path for path in version.names.deleted if self._groups.get(path)}
        return known - references.named_by(metadata, self._reader).all

    def _done(self, metadata: Mapping[str, Any], rewriting: history.Rewriting, note: str) -> None:
        self.step("exchanged")
        done = self.outcome
        done.rows += sum(file.rows for file in rewriting.files.values())
        done.files_rewritten += len(rewriting.files)
        done.manifests_rewritten += sum(old != new for old, new in rewriting.manifests.items())
        done.snapshots = len(metadata.get("snapshots", ()))
        done.files_deleted += self.journal.settle_one(note, lambda name: named_now(self.catalog, name, self._reader))
        self.step("deleted")
        log.info("table rewritten", table=self.name, rows=done.rows, files=done.files_rewritten)


def named_now(catalog: Catalog, name: str, reader: references.Reader | None = None) -> set[str]:
    """Every path that the table names at this moment; nothing when there is no such table."""
    try:
        table = catalog.load_table(name)
    except NoSuchTableError:
        return set()
    metadata = references.load(table.io, table.metadata_location)
    return references.named_by(metadata, reader or references.Reader(table.io)).all | {table.metadata_location}


def _ids(metadata: Mapping[str, Any], rule: Rule) -> set[int]:
    """The ids of the columns that the rule may change, with those nested in them."""
    fields = (field for schema in metadata["schemas"] for field in schema["fields"])
    return {number for each in fields if each["name"] in rule.alters for number in _ids_in(each)}


def _ids_in(value: Any) -> Iterator[int]:
    # Every key of a schema in JSON that names an id: id, element-id, key-id, value-id.
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "id" or key.endswith("-id"):
                yield each
            else:
                yield from _ids_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _ids_in(each)
