"""Generations in LMDB files: memory-mapped, read without locks, switched by replacing one small file.

<directory>/CURRENT                  first line: the current generation's folder; second line: the one before
<directory>/LOCK                     held by the one process that writes
<directory>/generations/<name>/      an LMDB environment that never changes once it is named in CURRENT
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Self

import lmdb
import msgspec

from customer360.errors import StoreUnusable
from customer360.overview import Overview
from customer360.profile import Profile, ReleaseStamp, TimelineEntry
from customer360.store import CustomerRecord, GenerationInfo, load_running, nothing_loaded, release_replaced

# Written into every generation; a reader refuses what it cannot decode. Raise it when a stored dataclass changes.
FORMAT = b"1"
# Customers per LMDB transaction: large enough to amortise the commit, small enough to keep dirty pages in memory.
BATCH = 1_000
# Keys of a timeline entry: the customer, a zero byte, the position as four big-endian bytes, so that a cursor walks it.
POSITION_BYTES = 4
DATABASES = (b"profiles", b"timelines", b"digests", b"meta")

_profile = msgspec.msgpack.Decoder(Profile)
_entry = msgspec.msgpack.Decoder(TimelineEntry)
_overview = msgspec.msgpack.Decoder(Overview)
_info = msgspec.msgpack.Decoder(GenerationInfo)
_encode = msgspec.msgpack.Encoder().encode


class LmdbGeneration:
    """One published generation, open for reading."""

    def __init__(self, folder: Path) -> None:
        # No lock file: a published generation never changes, so readers need no slots in a reader table.
        self._env = lmdb.open(str(folder), readonly=True, lock=False, max_dbs=len(DATABASES), readahead=False)
        self._dbs = {name: self._env.open_db(name, create=False) for name in DATABASES}
        if self._get(b"meta", b"format") != FORMAT:
            raise StoreUnusable("the generation was written by another version; run `python -m customer360 load`")
        with self._env.begin(db=self._dbs[b"profiles"]) as transaction:
            profiles = transaction.stat(self._dbs[b"profiles"])["entries"]
        written = _info.decode(self._get(b"meta", b"info") or b"")
        self.info = GenerationInfo(written.release, written.key_fingerprint, profiles)

    def profile(self, customer_id: str) -> Profile | None:
        """The customer's profile, a tombstone when deleted, None when unknown."""
        found = self._get(b"profiles", customer_id.encode()) if customer_id else None
        return None if found is None else _profile.decode(found)

    def find(self, digest: bytes) -> tuple[str, ...]:
        """The ids of the customers known under the digest, sorted."""
        found = self._get(b"digests", digest)
        return () if found is None else tuple(found.decode().split("\0"))

    def timeline(self, customer_id: str, start: int, count: int) -> list[TimelineEntry]:
        """At most `count` entries from position `start` on, newest first."""
        prefix = customer_id.encode() + b"\0"
        entries: list[TimelineEntry] = []
        with self._env.begin(self._dbs[b"timelines"]) as transaction:
            cursor = transaction.cursor()
            found = cursor.set_range(prefix + start.to_bytes(POSITION_BYTES, "big"))
            while found and len(entries) < count and cursor.key().startswith(prefix):
                entries.append(_entry.decode(cursor.value()))
                found = cursor.next()
        return entries

    def overview(self) -> Overview:
        """The figures of the overview page."""
        return _overview.decode(self._get(b"meta", b"overview") or b"")

    def _get(self, database: bytes, key: bytes) -> bytes | None:
        with self._env.begin(self._dbs[database]) as transaction:
            value: bytes | None = transaction.get(key)
            return value


class LmdbGenerationWriter:
    """Writes a generation into a folder of its own; nobody sees it before `publish`."""

    def __init__(self, store: "LmdbProfileStore", info: GenerationInfo, map_size_bytes: int) -> None:
        self._store = store
        self._info = info
        self._lock = _locked(store.directory / "LOCK")
        store.remove_strays()
        self._folder = store.new_folder(info.release.release_id)
        self._env = lmdb.open(
            str(self._folder), map_size=map_size_bytes, max_dbs=len(DATABASES), sync=False, metasync=False
        )
        self._dbs = {name: self._env.open_db(name) for name in DATABASES}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._env.close()
        self._store.remove_strays()
        self._lock.close()

    def add(self, records: Iterable[CustomerRecord]) -> None:
        """Write customers; each customer once."""
        batch: list[CustomerRecord] = []
        for record in records:
            batch.append(record)
            if len(batch) == BATCH:
                self._write(batch)
                batch = []
        self._write(batch)

    def publish(self, overview: Overview) -> None:
        """Flush to disk, then name the generation in CURRENT."""
        info = GenerationInfo(self._info.release, self._info.key_fingerprint)
        with self._begin() as transaction:
            meta = self._dbs[b"meta"]
            transaction.put(b"format", FORMAT, db=meta)
            transaction.put(b"info", _encode(info), db=meta)
            transaction.put(b"overview", _encode(overview), db=meta)
        self._env.sync(True)
        self._env.close()
        self._store.point_to(self._folder.name)

    def _begin(self) -> Any:
        return self._env.begin(write=True)

    def _write(self, records: list[CustomerRecord]) -> None:
        try:
            with self._begin() as transaction:
                for record in records:
                    self._write_one(transaction, record)
        except lmdb.MapFullError as error:
            raise StoreUnusable(
                "the generation outgrew its file; raise CUSTOMER360_STORE_SIZE_MAX_MIB", field="store_size_max_mib"
            ) from error

    def _write_one(self, transaction: Any, record: CustomerRecord) -> None:
        key = record.profile.customer_id.encode()
        transaction.put(key, _encode(record.profile), db=self._dbs[b"profiles"])
        for position, entry in enumerate(record.timeline):
            place = key + b"\0" + position.to_bytes(POSITION_BYTES, "big")
            transaction.put(place, _encode(entry), db=self._dbs[b"timelines"])
        for digest in record.digests:
            known = transaction.get(digest, db=self._dbs[b"digests"])
            customers = {*known.split(b"\0"), key} if known else {key}
            transaction.put(digest, b"\0".join(sorted(customers)), db=self._dbs[b"digests"])


class LmdbProfileStore:
    """Generations under one directory; one process writes, any number read."""

    def __init__(self, directory: Path, map_size_bytes: int) -> None:
        self.directory = directory
        self._map_size_bytes = map_size_bytes
        self._open: dict[str, LmdbGeneration] = {}
        self._names: list[str] = []
        (directory / "generations").mkdir(parents=True, exist_ok=True, mode=0o700)
        self.refresh()

    def current(self) -> LmdbGeneration:
        """The current generation; raises `NothingLoaded` before the first."""
        if not self._names:
            raise nothing_loaded()
        return self._open[self._names[0]]

    def at(self, release_id: str) -> LmdbGeneration:
        """The current or the previous generation, by its release; raises `ReleaseReplaced`."""
        for name in self._names:
            if self._open[name].info.release.release_id == release_id:
                return self._open[name]
        raise release_replaced()

    def writer(self, release: ReleaseStamp, key_fingerprint: str) -> LmdbGenerationWriter:
        """Begin a generation; raises `LoadRunning` while another one is being written."""
        return LmdbGenerationWriter(self, GenerationInfo(release, key_fingerprint), self._map_size_bytes)

    def refresh(self) -> bool:
        """Take up what CURRENT names; True when the current generation changed."""
        names = self._pointer()
        if names == self._names:
            return False
        # Environments that fall out of the dictionary close when the last request that reads them ends.
        folder = self.directory / "generations"
        self._open = {name: self._open.get(name) or LmdbGeneration(folder / name) for name in names}
        self._names = names
        return True

    def close(self) -> None:
        """Let go of every file; each environment closes with its last reader."""
        self._open, self._names = {}, []

    def new_folder(self, release_id: str) -> Path:
        """An empty folder for one more copy of the release; its name was never used, so no reader confuses two."""
        folder = self.directory / "generations" / f"{release_id}.{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        return folder

    def point_to(self, name: str) -> None:
        """Replace CURRENT in one step; the generation that was current becomes the previous one."""
        draft = self.directory / "CURRENT.new"
        with draft.open("w") as file:
            file.write("\n".join([name, *self._pointer()[:1]]) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.directory / "CURRENT")
        self.refresh()

    def remove_strays(self) -> None:
        """Remove the folders that CURRENT does not name: replaced generations and loads that died."""
        kept = set(self._pointer())
        for folder in (self.directory / "generations").iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder)

    def _pointer(self) -> list[str]:
        try:
            return (self.directory / "CURRENT").read_text().split()
        except FileNotFoundError:
            return []


def _locked(path: Path) -> IO[str]:
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise load_running() from None
    return file
