"""A standalone Spark cluster on this machine: a master and workers as child processes, open to who has the secret."""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark
from shopsphere_kit import java
from shopsphere_kit.waiting import wait_until

_HOME = Path(pyspark.__file__).parent
_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_LOCAL = "127.0.0.1"
# What the scripts that come with Spark tell its workers, which look for it when they start an executor.
_SCALA = {"SPARK_SCALA_VERSION": "2.13"}
# A Java that starts beside six others on two cores.
_START_SECONDS = 120


@dataclass(frozen=True)
class Cluster:
    """Where the master listens, what its callers must know, and where the processes log."""

    address: str
    secret: str
    folder: Path

    def registered(self) -> int:
        """The number of workers that the master has."""
        return (self.folder / "master.log").read_text().count("Registering worker")

    def finished(self, state: str = "EXITED") -> int:
        """The number of executors that the workers have seen end."""
        return sum(log.read_text().count(f"finished with state {state}") for log in self.folder.glob("worker-*.log"))

    def executors(self) -> set[str]:
        """The workers that have started an executor, by name."""
        logs = self.folder.glob("worker-*.log")
        return {log.stem for log in logs if "Asked to launch executor" in log.read_text()}


@contextmanager
def standalone_cluster(folder: Path, cache: Path, *, workers: int = 2) -> Iterator[Cluster]:
    """A master and workers with a core and 1 GB each, which end with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(f"spark://{_LOCAL}:{_free_port()}", secrets.token_hex(16), folder)
    properties = folder / "cluster.properties"
    properties.touch(mode=0o600)
    properties.write_text(f"spark.authenticate=true\nspark.authenticate.secret={cluster.secret}\n")
    with ExitStack() as running:
        port = cluster.address.rpartition(":")[2]
        running.enter_context(_process(folder, cache, "master", _MASTER, "--port", port))
        wait_until(lambda: _listens(int(port)), deadline_seconds=_START_SECONDS, what="the master of Spark")
        for name in (f"worker-{number}" for number in range(workers)):
            room = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / name), cluster.address)
            running.enter_context(_process(folder, cache, name, _WORKER, *room))
        wait_until(
            lambda: cluster.registered() == workers, deadline_seconds=_START_SECONDS, what="the workers of Spark"
        )
        yield cluster


@contextmanager
def _process(folder: Path, cache: Path, name: str, main: str, *arguments: str) -> Iterator[None]:
    home = java.java_home(cache)
    # The address of the pages with the state is Spark's to choose by the environment alone.
    environment = os.environ | {"JAVA_HOME": str(home), "SPARK_HOME": str(_HOME), "SPARK_LOCAL_IP": _LOCAL, **_SCALA}
    command = [str(home / "bin" / "java"), "-Xmx256m", "-XX:+UseSerialGC", "-cp", f"{_HOME}/jars/*", main]
    bound = ("--host", _LOCAL, "--webui-port", "0", "--properties-file", str(folder / "cluster.properties"))
    with (folder / f"{name}.log").open("wb") as log:
        child = subprocess.Popen([*command, *bound, *arguments], stdout=log, stderr=log, env=environment)
        try:
            yield
        finally:
            child.terminate()
            child.wait(timeout=60)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((_LOCAL, 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((_LOCAL, port)) == 0
