"""Opens the catalog and Spark, and closes them.

Order of closing: Spark last started, first stopped; the catalog holds no connection that outlives the process.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pyiceberg.catalog import Catalog
from shopsphere_kit import lake as kit_lake
from shopsphere_kit.suppressed_people import SuppressedPeople

from transform import session
from transform.settings import Settings
from transform.storage import Lake


def catalog(settings: Settings) -> Catalog:
    """The catalog alone: enough for what reads metadata and small tables."""
    settings.refuse_placeholders()
    # The bridge to the JVM reports each of its sockets.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    return kit_lake.open_catalog(settings.lake)


@contextmanager
def lake(settings: Settings) -> Iterator[Lake]:
    """The catalog, and Spark, which starts when it is first needed and stops when the block ends."""
    opened = catalog(settings)
    spark = session.KeptSession(settings)
    try:
        forgotten = SuppressedPeople(opened, settings.suppression.key())
        yield Lake(spark, opened, settings.lake.catalog_name, forgotten.now)
    finally:
        spark.stop()
