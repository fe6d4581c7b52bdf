"""What `wait` says: how far the bronze tables are, compared with where the sources end."""

from collections.abc import Callable, Sequence

from shopsphere_kit.waiting import wait_until

from ingest.iceberg_tables import IcebergTables
from ingest.position import Position, decode
from ingest.sources.progress import Progress

POLL_SECONDS = 0.25


def positions(tables: IcebergTables) -> Callable[[str], Position | None]:
    """Look up a table's recorded position, fresh each time."""

    def look(table: str) -> Position | None:
        text = tables.position(table)
        return decode(text) if text is not None else None

    return look


def wait_for(tables: IcebergTables, sources: Sequence[Progress], *, deadline_seconds: float) -> None:
    """Mark the end of each source and return when all tables have passed it; raises TimeoutError naming the rest."""
    waiting = list(sources)
    for source in waiting:
        source.mark()
    left: dict[str, Sequence[str]] = {}

    def caught_up() -> bool:
        left.clear()
        left.update({source.name: missing for source in waiting if (missing := source.behind(positions(tables)))})
        waiting[:] = [source for source in waiting if source.name in left]
        return not waiting

    try:
        wait_until(caught_up, deadline_seconds=deadline_seconds, what="ingest", poll_seconds=POLL_SECONDS)
    except TimeoutError as error:
        detail = "; ".join(f"{name}: {', '.join(missing)}" for name, missing in left.items())
        raise TimeoutError(f"after {deadline_seconds:g} s the tables are still behind. {detail}") from error
