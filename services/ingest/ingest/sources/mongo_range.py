"""Documents of a MongoDB collection that a filter chooses, at the cluster time before they were read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bson.errors import BSONError
from bson.json_util import loads
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from shopsphere_kit.errors import InvalidArgument

from ingest.batch import Chunk
from ingest.errors import SourceUnavailable
from ingest.position import MongoCopy, mongo_row
from ingest.sources.mongo_copy import cluster_time
from ingest.sources.mongo_rows import DOCUMENT_BYTES, RAW, MongoRows
from ingest.sources.ranges import Range
from ingest.tables import mongo_table

# Events of one cluster time are numbered from 0. What is read at that time sorts after all of them: a transaction of
# MongoDB has far fewer changes than this.
FIRST_INDEX = 50_000_000
CHUNK_ROWS, CHUNK_BYTES = 10_000, 16 * 2**20


class MongoRange:
    """Opens ranges of the followed collections."""

    def __init__(
        self,
        database: str,
        collections: Iterable[str],
        connect: Callable[[], MongoClient[Any]],
        document_bytes: int = DOCUMENT_BYTES,
    ) -> None:
        self._database, self._connect, self._document_bytes = database, connect, document_bytes
        self._collections = {mongo_table(name): name for name in collections}

    @contextmanager
    def __call__(self, table: str, where: str, taken: Iterable[str]) -> Iterator[Range]:
        """See RangeReader; the condition is a filter in extended JSON."""
        if table not in self._collections:
            known = ", ".join(self._collections)
            raise InvalidArgument(f"table: {table} is none of INGEST_MONGO_COLLECTIONS: {known}", field="table")
        source = f"mongo:{self._database}.{self._collections[table]}"
        chosen = _filter(where)
        with _translated(source), self._connect() as client:
            collection = client[self._database].get_collection(
                self._collections[table], codec_options=RAW, read_concern=ReadConcern("majority")
            )
            _check(collection, chosen)
            time_ = cluster_time(collection)
            start = MongoCopy(time_.time, time_.inc, _first_index(time_.time, time_.inc, taken) - 1)
            yield Range(source, self._chunks(source, client, collection, chosen, start))

    def _chunks(
        self,
        source: str,
        client: MongoClient[Any],
        collection: Collection[RawBSONDocument],
        chosen: Mapping[str, Any],
        copy: MongoCopy,
    ) -> Iterator[Chunk]:
        rows, waiting, size = MongoRows(source, self._document_bytes), 0, 0
        # Reads of the majority may lag behind; in a session that knows the primary's time they wait for it.
        with client.start_session(causal_consistency=True) as session:
            cluster_time(collection, session)
            for document in collection.find(chosen, session=session):
                copy = replace(copy, index=copy.index + 1)
                rows.add_copied(document, copy)
                waiting, size = waiting + 1, size + len(document.raw)
                if waiting >= CHUNK_ROWS or size >= CHUNK_BYTES:
                    yield rows.chunk()
                    rows, waiting, size = MongoRows(source, self._document_bytes), 0, 0
        yield rows.chunk()


def _filter(where: str) -> Mapping[str, Any]:
    try:
        found = loads(where)
    except (ValueError, TypeError, BSONError) as error:
        raise InvalidArgument(f"--where: {error}; {_REMEDY}", field="where") from error
    if not isinstance(found, dict):
        raise InvalidArgument(f"--where: not an object; {_REMEDY}", field="where")
    return found


_REMEDY = """write a filter in extended JSON, such as '{"status": "paid"}'"""


def _check(collection: Collection[RawBSONDocument], chosen: Mapping[str, Any]) -> None:
    try:
        collection.find_one(chosen, {"_id": 1})
    except OperationFailure as error:
        raise InvalidArgument(f"--where: {error}; {_REMEDY}", field="where") from error


def _first_index(seconds: int, increment: int, taken: Iterable[str]) -> int:
    time = mongo_row(seconds, increment, 0).partition("/")[0]
    used = [int(place.partition("/")[2]) for place in taken if place.startswith(f"{time}/")]
    return max([FIRST_INDEX, *(index + 1 for index in used)])


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        raise SourceUnavailable(f"{name}: {error}") from error
