"""The other side of `ingest/full_copy`: the same tables through dlt with its connectorx backend, into Parquet files.

Runs in an environment of its own: `dlt_copy.py DSN FOLDER TABLE…` prints a line when everything is loaded. Tried, and
what was fastest is what stands here: see benchmarks/README.md.
"""

import sys

import dlt
from dlt.sources.sql_database import sql_database

# Streamed, the whole table is not held in memory, as dlt's documentation advises for large ones.
_BATCH_ROWS = 200_000


def main(dsn: str, folder: str, tables: list[str]) -> None:
    """Load the tables into Parquet files below `folder`/lake/tpch."""
    source = sql_database(
        dsn.replace("postgresql:", "postgresql+psycopg2:"),
        table_names=tables,
        backend="connectorx",
        backend_kwargs={"conn": dsn, "return_type": "arrow_stream", "batch_size": _BATCH_ROWS},
        # Exact decimals and integers as wide as the source's.
        reflection_level="full_with_precision",
    )
    pipeline = dlt.pipeline(
        "tpch",
        pipelines_dir=f"{folder}/state",
        dataset_name="tpch",
        destination=dlt.destinations.filesystem(bucket_url=f"file://{folder}/lake"),
    )
    pipeline.run(source, loader_file_format="parquet")
    print("loaded", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
