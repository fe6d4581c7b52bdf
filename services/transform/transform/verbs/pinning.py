"""The release that a verb is about."""

from pyiceberg.catalog import Catalog
from shopsphere_kit import lake as kit_lake
from shopsphere_kit.lake import Release

from transform.errors import NoRelease


def pinned(catalog: Catalog, release_id: str | None = None) -> Release:
    """The release of that id, or the newest. Raises NotFound, NoRelease."""
    if release_id:
        return kit_lake.release(catalog, release_id)
    newest = kit_lake.latest_release(catalog)
    if newest is None:
        raise NoRelease("nothing was published yet; `python -m transform run` makes the first release")
    return newest
