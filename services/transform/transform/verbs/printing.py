"""How verbs answer: one JSON object per line on standard output."""

import json
import sys
from collections.abc import Mapping

from pyiceberg.catalog import Catalog
from shopsphere_kit import lake as kit_lake
from shopsphere_kit.lake import Release

from transform.errors import NoRelease


def print_json(answer: Mapping[str, object]) -> None:
    """Write an answer."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()  # `run --every` goes on for days after a line


def pinned(catalog: Catalog, release_id: str | None) -> Release:
    """The release of that id, or the newest. Raises NotFound, NoRelease."""
    if release_id:
        return kit_lake.release(catalog, release_id)
    newest = kit_lake.latest_release(catalog)
    if newest is None:
        raise NoRelease("nothing was published yet; `python -m transform run` makes the first release")
    return newest
