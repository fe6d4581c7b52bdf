"""The lakehouse from Python: one catalog, personal columns without statistics, and releases that readers pin."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table

from shopsphere_kit.errors import NotFound
from shopsphere_kit.settings import LakeSettings

BRONZE, SILVER, GOLD = "bronze", "silver", "gold"
RELEASES = f"{GOLD}.releases"
# Two processes commit to one SQLite file in the local stack; a writer waits this long for the other's lock.
SQLITE_BUSY_SECONDS = 60
UNKNOWN_KEY = 0


@dataclass(frozen=True)
class Release:
    """A set of table snapshots that belong together; `snapshots` maps "gold.fact_order" to its snapshot id."""

    release_id: str
    created_at: datetime
    snapshots: dict[str, int] = field(default_factory=dict)


def open_catalog(settings: LakeSettings) -> Catalog:
    """Open the catalog the settings name; SQLite and Postgres through SqlCatalog, anything else through REST."""
    properties: dict[str, str | None] = {
        "type": settings.catalog_type,
        "uri": settings.catalog_uri,
        "warehouse": settings.warehouse,
    }
    if settings.catalog_uri.startswith("sqlite:"):
        properties["uri"] = f"{settings.catalog_uri}?timeout={SQLITE_BUSY_SECONDS}"
    return load_catalog(settings.catalog_name, **properties, **_s3_properties(settings))


def _s3_properties(settings: LakeSettings) -> dict[str, str]:
    if not settings.s3_endpoint:
        return {}
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    return {
        "s3.endpoint": settings.s3_endpoint,
        "s3.region": settings.s3_region,
        "s3.access-key-id": key.get_secret_value() if key else "",
        "s3.secret-access-key": secret.get_secret_value() if secret else "",
        "s3.path-style-access": "true",
    }


def spark_catalog_conf(settings: LakeSettings) -> dict[str, str]:
    """Spark configuration that opens the very same catalog under the very same name."""
    prefix = f"spark.sql.catalog.{settings.catalog_name}"
    conf = {
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        prefix: "org.apache.iceberg.spark.SparkCatalog",
        f"{prefix}.warehouse": settings.warehouse,
        f"{prefix}.cache-enabled": "false",
        "spark.sql.defaultCatalog": settings.catalog_name,
    }
    if settings.catalog_type == "rest":
        return conf | {f"{prefix}.type": "rest", f"{prefix}.uri": settings.catalog_uri} | _spark_s3(prefix, settings)
    return (
        conf
        | {
            f"{prefix}.type": "jdbc",
            f"{prefix}.uri": _jdbc_uri(settings.catalog_uri),
            f"{prefix}.jdbc.schema-version": "V1",
        }
        | _spark_s3(prefix, settings)
    )


def _spark_s3(prefix: str, settings: LakeSettings) -> dict[str, str]:
    properties = _s3_properties(settings)
    if not properties:
        return {}
    named = {f"{prefix}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO", f"{prefix}.client.region": settings.s3_region}
    return named | {f"{prefix}.{name}": value for name, value in properties.items()}


def _jdbc_uri(catalog_uri: str) -> str:
    if catalog_uri.startswith("sqlite:///"):
        path = catalog_uri.removeprefix("sqlite:///")
        return f"jdbc:sqlite:file:{quote(path)}?busy_timeout={SQLITE_BUSY_SECONDS * 1000}"
    match = re.fullmatch(r"postgresql(?:\+\w+)?://(?:([^:@]+)(?::([^@]*))?@)?(.+)", catalog_uri)
    if not match:
        raise ValueError("SHOPSPHERE_LAKE_CATALOG_URI must start with sqlite:/// or postgresql://")
    user, password, rest = match.groups()
    query = "&".join(f"{name}={value}" for name, value in (("user", user), ("password", password)) if value)
    return f"jdbc:postgresql://{rest}" + (f"?{query}" if query else "")


def personal_columns_properties(columns: Iterable[str]) -> dict[str, str]:
    """Table properties that keep the columns' values out of manifests and footers; to be set when a table is made."""
    return {f"write.metadata.metrics.column.{column}": "none" for column in columns}


def latest_release(catalog: Catalog) -> Release | None:
    """The newest published release, or None before the first."""
    releases = _releases(catalog)
    return max(releases, key=lambda release: (release.created_at, release.release_id), default=None)


def release(catalog: Catalog, release_id: str) -> Release:
    """The release of that id; raises NotFound."""
    for found in _releases(catalog):
        if found.release_id == release_id:
            return found
    raise NotFound(
        f"release {release_id} never was, or its time to be read is over; "
        "`python -m transform releases` lists those that can be read",
        field="release_id",
    )


def _releases(catalog: Catalog) -> list[Release]:
    try:
        table = catalog.load_table(RELEASES)
    except NoSuchTableError:
        return []
    rows = table.scan(selected_fields=("release_id", "created_at", "tables")).to_arrow().to_pylist()
    return [Release(row["release_id"], row["created_at"], dict(row["tables"])) for row in rows]


def scan_release(catalog: Catalog, pinned: Release, table: str, columns: Sequence[str] = ("*",)) -> pa.Table:
    """The rows of a table ("gold.fact_order") exactly as the release has them."""
    stored = readable(catalog, pinned, table)
    return stored.scan(snapshot_id=pinned.snapshots[table], selected_fields=tuple(columns)).to_arrow()


def readable(catalog: Catalog, pinned: Release, table: str) -> Table:
    """The table, which has the snapshot of the release; raises NotFound when the release cannot be read any more."""
    if table not in pinned.snapshots:
        raise NotFound(f"release {pinned.release_id} has no table {table}", field="table")
    stored = catalog.load_table(table)
    if stored.snapshot_by_id(pinned.snapshots[table]) is None:
        raise NotFound(
            f"release {pinned.release_id} can no longer be read: the snapshot of {table} has expired; "
            "`python -m transform releases` lists those that can be read",
            field="release_id",
        )
    return stored
