"""Whether the stream has passed a row's place: only then will it not bring the row by itself any more. Pure."""

from ingest.position import KafkaPosition, MongoPosition, Position, PostgresPosition, mongo_row, snapshot_row_lsn

# A cluster time as a row's position begins with it.
_TIME = len(mongo_row(0, 0, 0).partition("/")[0])


def covers(recorded: Position | None, place: str) -> bool:
    """Whether what a table with this recorded position has not got at `place`, it never gets from its source."""
    match recorded:
        case PostgresPosition(lsn, spans):
            at = int(place.partition("/")[0], 16)
            # Of a copy under way nobody knows whether the row is in the part that is committed.
            copying = recorded.copying and at in {snapshot_row_lsn(span.lsn) for span in spans}
            return at < lsn and not copying
        case KafkaPosition(offsets):
            partition, offset = map(int, place.split("/"))
            return offset < offsets.get(partition, 0)
        case MongoPosition():
            copy = recorded.copy
            copied = mongo_row(copy.seconds, copy.increment, copy.index) if copy else ""
            if copied[:_TIME] == place[:_TIME]:
                return place <= copied
            return place <= mongo_row(recorded.seconds, recorded.increment, recorded.index)
        case _:
            return False
