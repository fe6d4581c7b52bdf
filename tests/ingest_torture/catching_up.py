"""Waiting until everything that a source has is in bronze, unless who brings it there has ended."""

import time
from collections.abc import Callable

from ingest import bootstrap, report
from ingest.settings import Settings
from ingest_torture.children import PATIENCE_SECONDS

# Between two looks at whether the reader still lives.
LOOK_SECONDS = 5.0


def catch_up(settings: Settings, *, alive: Callable[[], bool], story: Callable[[], str]) -> None:
    """Raise TimeoutError with the reader's story when it has ended or takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            progress = bootstrap.progress(settings)
            report.wait_for(bootstrap.tables(settings), progress, deadline_seconds=LOOK_SECONDS)
        except TimeoutError as error:
            if alive() and time.monotonic() < deadline:
                continue
            raise TimeoutError(f"{error}\n{story()}") from error
        return
