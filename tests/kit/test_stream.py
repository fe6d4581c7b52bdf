"""The safe Faust pattern on a real broker: records come whole and in order, a failing sink acknowledges nothing."""

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from shopsphere_kit.waiting import wait_until

pytestmark = pytest.mark.servers

WORKER = """
import asyncio, json, sys
from pathlib import Path
from shopsphere_kit.stream import Record, StreamWorker, run_worker

bootstrap, topic, folder, fail_at = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])

async def handle(records: list[Record]) -> None:
    with (folder / "seen.jsonl").open("a") as seen:
        for record in records:
            if record.offset == fail_at:
                raise RuntimeError("the sink is away")
            print(json.dumps([record.partition, record.offset, record.value.decode()]), file=seen, flush=True)

worker = StreamWorker("test-" + topic, topic, bootstrap, folder / "data", "one", batch_max=10)
asyncio.run(run_worker(worker, handle))
"""


def produce(bootstrap: str, topic: str, count: int) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(count):
        producer.produce(topic, str(number).encode())
    assert producer.flush(30) == 0


def start(bootstrap: str, topic: str, folder: Path, fail_at: int = -1) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, bootstrap, topic, str(folder), str(fail_at)])


def seen(folder: Path) -> list[tuple[int, int, str]]:
    file = folder / "seen.jsonl"
    return [tuple(json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


def test_every_record_reaches_the_handler_in_order_and_sigterm_ends_the_worker(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    produce(kafka_bootstrap, "whole", 25)
    worker = start(kafka_bootstrap, "whole", tmp_path)
    wait_until(lambda: len(seen(tmp_path)) == 25, deadline_seconds=60, what="25 records")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert [value for _, _, value in seen(tmp_path)] == [str(number) for number in range(25)]


def test_a_failing_sink_ends_the_process_and_its_batch_comes_again(kafka_bootstrap: str, tmp_path: Path) -> None:
    produce(kafka_bootstrap, "failing", 25)
    assert start(kafka_bootstrap, "failing", tmp_path, fail_at=12).wait(60) == 70
    worker = start(kafka_bootstrap, "failing", tmp_path)
    wait_until(
        lambda: {offset for _, offset, _ in seen(tmp_path)} == set(range(25)),
        deadline_seconds=60,
        what="all records, the failed batch again",
    )
    worker.kill()
    worker.wait(20)


OWNER = """
import asyncio, json, sys
from pathlib import Path
from shopsphere_kit.stream import PartitionsLost, Record, StreamWorker, run_worker

bootstrap, topic, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
resume_at, lose = int(sys.argv[4]), int(sys.argv[5])
refusals = iter(range(lose))

async def take_over(partitions: frozenset[int]) -> dict[int, int]:
    with (folder / "taken.jsonl").open("a") as taken:
        print(json.dumps(sorted(partitions)), file=taken, flush=True)
    return {partition: resume_at for partition in partitions}

async def handle(records: list[Record]) -> None:
    for _ in refusals:
        raise PartitionsLost("another worker has them")
    with (folder / "seen.jsonl").open("a") as seen:
        for record in records:
            print(json.dumps([record.partition, record.offset, record.value.decode()]), file=seen, flush=True)

worker = StreamWorker("test-" + topic, topic, bootstrap, folder / "data", "one", batch_max=10)
asyncio.run(run_worker(worker, handle, take_over))
"""


def start_owner(bootstrap: str, topic: str, folder: Path, resume_at: int = 0, lose: int = 0) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen([sys.executable, "-c", OWNER, bootstrap, topic, str(folder), str(resume_at), str(lose)])


def has_seen(folder: Path, offset: int) -> bool:
    return offset in {each for _, each, _ in seen(folder)}


def test_on_assignment_the_worker_reads_on_from_the_offset_of_the_sink(kafka_bootstrap: str, tmp_path: Path) -> None:
    produce(kafka_bootstrap, "resumed", 25)
    for folder, resume_at in ((tmp_path / "ahead", 20), (tmp_path / "back", 7)):
        worker = start_owner(kafka_bootstrap, "resumed", folder, resume_at)
        wait_until(partial(has_seen, folder, 24), deadline_seconds=60, what="the last record")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
        assert [offset for _, offset, _ in seen(folder)] == list(range(resume_at, 25))


def test_a_worker_that_lost_its_partitions_joins_anew_and_takes_every_record(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    produce(kafka_bootstrap, "lost", 25)
    worker = start_owner(kafka_bootstrap, "lost", tmp_path, lose=1)
    wait_until(
        lambda: {offset for _, offset, _ in seen(tmp_path)} == set(range(25)),
        deadline_seconds=60,
        what="all records, the batch that was dropped among them",
    )
    assert worker.poll() is None
    assert len((tmp_path / "taken.jsonl").read_text().splitlines()) >= 2
    worker.kill()
    worker.wait(20)
