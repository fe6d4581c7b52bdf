"""SecantusDB, which speaks MongoDB's wire protocol over WiredTiger: no package registry ships mongod itself."""

import sys
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from shopsphere_local.ports import LOOPBACK
from shopsphere_local.process import ProcessSpec
from shopsphere_local.servers.probes import in_thread
from shopsphere_local.settings import inherited_environment

_FLAGS = (
    # Without it a kill -9 loses acknowledged writes, and a change stream then skips events.
    "--sync-on-commit",
    *("--noop-heartbeat-seconds", "10"),
    *("--oplog-retention-seconds", "604800"),
    *("--oplog-max-entries", "5000000"),
    *("--cache-size", "256M"),
    *("--log-level", "WARNING"),
)


def uri(port: int) -> str:
    """Return the connection string of this server."""
    return f"mongodb://{LOOPBACK}:{port}/?replicaSet=secantus"


def spec(*, data: Path, log: Path, port: int) -> ProcessSpec:
    """Return the process."""
    return ProcessSpec(
        name="mongo",
        argv=(
            *(sys.executable, "-m", "secantus", "--host", LOOPBACK, "--port", str(port)),
            *("--storage-path", str(data), *_FLAGS),
        ),
        log=log,
        env=inherited_environment(),
        ready=in_thread(lambda: _answers(port)),
        prepare=lambda: data.mkdir(parents=True, exist_ok=True),
    )


def _answers(port: int) -> bool:
    client: MongoClient[dict[str, Any]]
    with MongoClient(uri(port), serverSelectionTimeoutMS=1000, connectTimeoutMS=1000) as client:
        return bool(client.admin.command("ping")["ok"] == 1)
