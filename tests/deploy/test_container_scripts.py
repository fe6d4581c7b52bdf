"""The small programs that run inside containers, run here."""

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import ClassVar

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from deploy_files import ROOT, services
from shopsphere_kit import maven, topics


def load(path: str) -> ModuleType:
    """A script of deploy/ as a module."""
    spec = importlib.util.spec_from_file_location(path.replace("/", "_"), ROOT / "deploy" / f"{path}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Door(BaseHTTPRequestHandler):
    """Answers /healthz with the status of the moment."""

    status: ClassVar[int] = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@contextmanager
def door(status: int) -> Iterator[int]:
    Door.status = status
    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def check(port: int) -> int:
    script = ROOT / "deploy/container/healthcheck.py"
    # A proxy in the environment must not be asked.
    given = {"THE_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run([sys.executable, script, "THE_PORT"], env=given, check=False).returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_the_health_check_says_what_the_door_says(status: int, code: int) -> None:
    with door(status) as port:
        assert check(port) == code


def test_the_health_check_fails_when_nothing_listens() -> None:
    with door(200) as port:
        pass
    assert check(port) == 1


class Answer:
    """A broker's answer that has come."""

    def __init__(self) -> None:
        self.waited = False

    def result(self, timeout: float | None = None) -> None:
        self.waited = timeout is not None


class Listing:
    """What a broker lists."""

    def __init__(self, names: set[str]) -> None:
        self.topics = dict.fromkeys(names)


class Broker:
    """An admin client of a broker in memory."""

    def __init__(self, names: set[str]) -> None:
        self.partitions: dict[str, int] = dict.fromkeys(names, 1)
        self.answers: list[Answer] = []

    def list_topics(self, timeout: float) -> Listing:
        assert timeout > 0
        return Listing(set(self.partitions))

    def create_topics(self, wanted: list[object]) -> dict[str, Answer]:
        made = {str(topic.topic): int(topic.num_partitions) for topic in wanted}  # type: ignore[attr-defined]
        self.partitions |= made
        answers = {name: Answer() for name in made}
        self.answers += answers.values()
        return answers


def test_the_topics_of_compose_are_the_topics_of_the_platform() -> None:
    broker = Broker({"events"})
    made = load("compose/make_topics").make(broker, topics.ALL)
    assert set(made) == {topic.name for topic in topics.ALL} - {"events"}
    assert {name: broker.partitions[name] for name in made} == {
        topic.name: topic.partitions for topic in topics.ALL if topic.name in made
    }
    assert all(answer.waited for answer in broker.answers)


def test_making_the_topics_again_makes_none() -> None:
    broker = Broker({topic.name for topic in topics.ALL})
    assert load("compose/make_topics").make(broker, topics.ALL) == []


def test_compose_makes_all_topics_and_nothing_else_does() -> None:
    assert "topics.ALL" in (ROOT / "deploy/compose/make_topics.py").read_text()
    assert services()["topics"]["entrypoint"] == ["python", "/app/make_topics.py"]
    assert services()["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_the_bucket_is_the_one_of_the_warehouse() -> None:
    make_bucket = load("compose/make_bucket")
    warehouse = services()["bucket"]["environment"]["SHOPSPHERE_LAKE_WAREHOUSE"]
    assert make_bucket.bucket_of(warehouse) == "warehouse"
    with pytest.raises(ValueError, match="s3://bucket"):
        make_bucket.bucket_of("file:///somewhere")


class Buckets:
    """An S3 store in memory, as botocore shows one; with another status, one that refuses."""

    def __init__(self, status: str = "404") -> None:
        self.names: set[str] = set()
        self._status = status

    def head_bucket(self, *, Bucket: str) -> None:  # noqa: N803 - the client's own spelling
        if Bucket not in self.names:
            raise ClientError({"Error": {"Code": self._status}}, "HeadBucket")

    def create_bucket(self, *, Bucket: str) -> None:  # noqa: N803
        self.names.add(Bucket)


def test_a_bucket_that_is_there_stays() -> None:
    store, make_bucket = Buckets(), load("compose/make_bucket")
    assert make_bucket.make(store, "warehouse")
    assert not make_bucket.make(store, "warehouse")
    assert store.names == {"warehouse"}


def test_a_wrong_key_is_no_missing_bucket() -> None:
    store = Buckets(status="403")
    with pytest.raises(ClientError):
        load("compose/make_bucket").make(store, "warehouse")
    assert store.names == set()


def test_the_image_fetches_every_jar_that_a_session_may_need() -> None:
    fetch_jars = load("container/fetch_jars")
    locks = sorted((ROOT / "services/transform/transform").glob("*.lock"))
    assert sorted([fetch_jars.JARS, fetch_jars.JARS_FOR_S3]) == locks
    assert all(maven.read_lock(lock) for lock in locks)
