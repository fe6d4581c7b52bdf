"""A whole run on a standalone Spark cluster of two workers: `make test-cluster`, some minutes of Java starting.

Not collected by `make test`; it runs when it is named.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bronze_builders import a_movement, a_product, a_record, a_store, a_user, an_item, an_order, at, write_bronze
from pyiceberg.catalog import Catalog
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import latest_release
from shopsphere_kit.settings import LakeSettings
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State
from spark_cluster import Cluster, standalone_cluster
from transform import bronze, jobs
from transform.storage import Lake

pytestmark = [pytest.mark.servers, pytest.mark.timeout(3600)]
CACHE = State(LocalSettings().state_dir).cache


def fill(catalog: Catalog) -> None:
    """Two users with histories, and what they bought."""
    users = [a_user(1), a_user(2), a_user(1, email="ann@new.example", updated_at=at(3), _op="u")]
    write_bronze(catalog, bronze.USERS, users)
    write_bronze(catalog, bronze.PRODUCTS, [a_product(1)])
    write_bronze(catalog, bronze.STORES, [a_store(1)])
    write_bronze(catalog, bronze.ORDERS, [an_order(1), an_order(2, user_id=2, channel="till")])
    write_bronze(catalog, bronze.ORDER_ITEMS, [an_item(1, 1), an_item(2, 1)])
    write_bronze(catalog, bronze.STOCK_MOVEMENTS, [a_record(a_movement("count", 9, 0))])


def on_cluster(cluster: Cluster, lake: LakeSettings, *verb: str, secret: str) -> subprocess.CompletedProcess[str]:
    """`python -m transform <verb>` with the cluster as its master."""
    environment = os.environ | {
        "SHOPSPHERE_LAKE_CATALOG_URI": lake.catalog_uri,
        "SHOPSPHERE_LAKE_WAREHOUSE": lake.warehouse,
        "TRANSFORM_CACHE_DIR": str(CACHE),
        "TRANSFORM_MASTER": cluster.address,
        "TRANSFORM_CLUSTER_SECRET": secret,
        "TRANSFORM_EXECUTOR_MEMORY": "512m",
    }
    return subprocess.run(
        [sys.executable, "-m", "transform", *verb], env=environment, capture_output=True, text=True, check=False
    )


def test_two_workers_build_the_tables_that_one_process_builds(
    lake: Lake, lake_settings: LakeSettings, tmp_path: Path
) -> None:
    fill(lake.catalog)
    with standalone_cluster(tmp_path / "cluster", CACHE) as cluster:
        done = on_cluster(cluster, lake_settings, "run", secret=cluster.secret)
        assert done.returncode == 0, done.stderr
        assert cluster.executors() == {"worker-0", "worker-1"}
    built_there = latest_release(lake.catalog)
    assert built_there is not None

    jobs.run(lake, ManualClock(datetime.now(UTC) + timedelta(hours=1)), full=True)

    built_here = latest_release(lake.catalog)
    assert built_here is not None
    assert built_here.release_id != built_there.release_id
    assert jobs.hashes(lake, built_here) == jobs.hashes(lake, built_there)


def test_who_has_another_secret_gets_no_worker(lake_settings: LakeSettings, tmp_path: Path) -> None:
    with standalone_cluster(tmp_path / "cluster", CACHE) as cluster:
        done = on_cluster(cluster, lake_settings, "run", secret="another")
        assert done.returncode != 0
        assert cluster.executors() == set()
