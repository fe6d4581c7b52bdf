"""The Apache Kafka broker itself, one KRaft node, run from its jars."""

import base64
import os
import subprocess
import uuid
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from shopsphere_kit import java, maven, topics
from shopsphere_kit.errors import FailedPrecondition, Unavailable

from shopsphere_local.ports import LOOPBACK, is_taken
from shopsphere_local.process import ProcessSpec
from shopsphere_local.servers.probes import in_thread
from shopsphere_local.settings import inherited_environment

JARS = Path(__file__).parents[1] / "kafka-jars.lock"
_ANSWER_SECONDS = 5.0
_HEAP = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    # A single node can keep one copy of everything.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "default.replication.factor": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # The typed list of topics is the only place where a topic is named.
    "auto.create.topics.enable": "false",
    # A restart after kill -9 takes 7 s instead of 12. With 2 s a busy machine fenced its only broker, which then told
    # clients that there was none.
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "500",
    # The replayed year is older than the default retention of a week.
    "log.retention.ms": "-1",
    "log.segment.bytes": "67108864",
}


def bootstrap(port: int) -> str:
    """Return the broker's address as clients want it."""
    return f"{LOOPBACK}:{port}"


def spec(*, data: Path, log: Path, cache: Path, port: int, controller_port: int) -> ProcessSpec:
    """Return the process; it fetches its jars and formats its storage on first start, and makes the topics."""
    properties = data / "server.properties"
    return ProcessSpec(
        name="kafka",
        # The jars come by way of an argument file, which `prepare` writes, because they may not be there yet.
        argv=(str(java.java(cache)), *_HEAP, *_LOGGING, f"@{data / 'classpath'}", "kafka.Kafka", str(properties)),
        log=log,
        env=inherited_environment(),
        ready=in_thread(lambda: _answers(port)),
        prepare=lambda: _prepare(data, cache, port, controller_port),
        after_ready=lambda: make_topics(bootstrap(port), topics.ALL),
        ready_seconds=90.0,
    )


def make_topics(bootstrap_servers: str, wanted: tuple[topics.Topic, ...]) -> None:
    """Make the topics that are not there yet."""
    admin = _admin(bootstrap_servers)
    present = admin.list_topics(timeout=_ANSWER_SECONDS).topics
    missing = [NewTopic(topic.name, topic.partitions, 1) for topic in wanted if topic.name not in present]
    for future in admin.create_topics(missing).values() if missing else ():
        future.result()


def _prepare(data: Path, cache: Path, port: int, controller_port: int) -> None:
    data.mkdir(parents=True, exist_ok=True)
    classpath = os.pathsep.join(str(jar) for jar in maven.resolve(JARS, cache))
    (data / "classpath").write_text(f'-cp\n"{_escape(classpath)}"\n', encoding="utf-8")
    logs = data / "log"
    properties = _PROPERTIES | {
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "log.dirs": _escape(str(logs.resolve())),
    }
    file = data / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()), encoding="utf-8")
    if not (logs / "meta.properties").exists():
        _format(data, cache, file)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\")


def _format(data: Path, cache: Path, properties: Path) -> None:
    # One id in 64 begins with a hyphen, so it must not stand where an option could.
    cluster = "--cluster-id=" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = [str(java.java(cache)), *_HEAP, *_LOGGING, f"@{data / 'classpath'}", "kafka.tools.StorageTool"]
    result = subprocess.run(  # noqa: S603 - our own command line
        [*command, "format", cluster, "-c", str(properties)], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise FailedPrecondition(f"Kafka cannot format {data}: {result.stderr.strip()}", reason="kafka_format_failed")


def _admin(bootstrap_servers: str) -> AdminClient:
    # Its complaints about a broker that is not there yet would only fill the screen.
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0, "socket.timeout.ms": 5000})


def _answers(port: int) -> bool:
    if not is_taken(port):
        return False
    found = _admin(bootstrap(port)).list_topics(timeout=_ANSWER_SECONDS)
    if not found.brokers:
        raise Unavailable("the broker answers but has not joined its own cluster yet")
    return True
