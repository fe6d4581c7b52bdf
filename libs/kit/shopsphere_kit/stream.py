"""The one safe way to consume a topic with Faust.

Faust acknowledges a batch of `take()` even when its body raised, and `concurrency > 1` loses records after a kill. Here
a batch is read without acknowledgement, handed over as a whole, and acknowledged record by record only after the
handler returned. Delivery is at least once; the handler deduplicates by (topic, partition, offset) in the same atomic
step as its effect. A handler that raises ends the process: the supervisor starts it again, and it resumes where the
sink says.

A sink that keeps offsets itself is asked on each assignment (`TakeOver`): it learns who owns the partitions now, and
the worker reads on from its offsets; what the group committed is then only a hint. A worker that is told that others
own its partitions (`PartitionsLost`) drops the batch and joins the group anew; nothing is lost, since whoever gets the
partitions reads on from the sink's offsets.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import faust
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from faust.types import TP

from shopsphere_kit import metrics
from shopsphere_kit.logging import get_logger
from shopsphere_kit.waiting import await_until

_log = get_logger(__name__)
EXIT_SINK_FAILED = 70  # EX_SOFTWARE of sysexits.h
# A batch takes well under a second; supervisors and orchestrators wait ten or more before they kill.
STOP_SECONDS_MAX = 8.0
# Longer than any restart of a broker; after it the process ends and its supervisor decides.
BROKER_SECONDS_MAX = 300.0


@dataclass(frozen=True)
class Record:
    """One record as Kafka delivered it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int


Handler = Callable[[list[Record]], Awaitable[None]]
# From the partitions this worker has now to the offset to read each from.
TakeOver = Callable[[frozenset[int]], Awaitable[dict[int, int]]]


class PartitionsLost(Exception):
    """A handler raises it when another worker owns the partitions of the batch; the batch had no effect."""


@dataclass(frozen=True)
class StreamWorker:
    """Who consumes what, and how much at a time."""

    app_id: str
    topic: str
    bootstrap_servers: str
    datadir: Path
    instance_id: str
    batch_max: int = 1000
    # Waiting longer fills batches better but delays the first record of a quiet topic by as much.
    batch_within_seconds: float = 0.05


def build_app(worker: StreamWorker, handle: Handler, take_over: TakeOver | None = None) -> faust.App:
    """A Faust application with one agent that feeds `handle`; the settings are those that lost nothing when killed."""
    app = faust.App(
        worker.app_id,
        broker=";".join(f"kafka://{server}" for server in worker.bootstrap_servers.split(",")),
        store="memory://",
        datadir=str(worker.datadir),
        value_serializer="raw",
        key_serializer="raw",
        stream_wait_empty=True,
        broker_commit_interval=1.0,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        consumer_group_instance_id=worker.instance_id,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_publish_on_commit=False,
        web_enabled=False,
        autodiscover=False,
    )
    channel = app.topic(worker.topic, key_serializer="raw", value_serializer="raw", value_type=bytes, key_type=bytes)

    async def consume(stream: Any) -> None:
        async for batch in stream.noack_take(worker.batch_max, within=worker.batch_within_seconds):
            try:
                await handle([_record(event) for event in batch])
                metrics.STREAM_RECORDS.labels(worker.topic).inc(len(batch))
            except PartitionsLost as lost:
                _log.warning("others own these partitions; joining the group anew", cause=str(lost))
                _join_anew(app.consumer)
            except Exception as error:  # noqa: BLE001 - whatever failed, the batch must stay unacknowledged
                _leave(error)
            # A batch that was dropped is acknowledged too: a rebalance waits until nothing is in hand, and the commit
            # that may follow is only a hint.
            for event in batch:
                await stream.ack(event)

    app.agent(channel, name=f"{worker.app_id}.consume", concurrency=1)(consume)
    if take_over:
        _resume_from_the_sink(app, worker.topic, take_over)
    return app


def _leave(error: Exception) -> NoReturn:
    _log.error("the sink failed; leaving so that nothing is acknowledged", exc_info=error)
    sys.stderr.flush()
    os._exit(EXIT_SINK_FAILED)


def _resume_from_the_sink(app: faust.App, topic: str, take_over: TakeOver) -> None:
    # Faust sends this signal after each assignment, waits for those who listen, and calls perform_seek() before it
    # reads on; it calls that again when records arrive while a rebalance holds them up.
    async def on_assignment(*_: Any, **__: Any) -> None:
        consumer: Any = app.consumer
        partitions = frozenset(tp.partition for tp in consumer.assignment() if tp.topic == topic)
        try:
            offsets = await take_over(partitions)
        except Exception as error:  # noqa: BLE001 - without the sink's offsets nothing may be read
            _leave(error)
        positions = {TP(topic, partition): offset for partition, offset in offsets.items()}
        consumer.perform_seek = partial(_seek, consumer, positions)

    app.on_rebalance_complete.connect(on_assignment)


async def _seek(consumer: Any, positions: dict[TP, int]) -> None:
    committed = await consumer.seek_to_committed()
    mine = {tp: offset for tp, offset in positions.items() if tp in consumer.assignment()}
    ahead = sorted(tp.partition for tp, offset in mine.items() if (committed.get(tp) or 0) > offset)
    if ahead:
        _log.warning("the group is ahead of the sink; reading again what the sink lacks", partitions=ahead)
    await consumer.seek_wait(mine)
    # Faust commits what follows the offset it takes for committed.
    consumer._committed_offset.update(mine)  # noqa: SLF001


def _join_anew(consumer: Any) -> None:
    # The client's consumer lives in a thread of Faust's, with a loop of its own.
    thread = consumer._thread  # noqa: SLF001
    coordinator = thread._ensure_consumer()._coordinator  # noqa: SLF001
    thread.thread_loop.call_soon_threadsafe(coordinator.request_rejoin)


def _record(event: Any) -> Record:
    message = event.message
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        int(message.timestamp * 1000),
    )


async def run_worker(worker: StreamWorker, handle: Handler, take_over: TakeOver | None = None) -> None:
    """Consume until cancelled; on cancellation the batch in hand is finished and acknowledged."""
    worker.datadir.mkdir(parents=True, exist_ok=True)
    await _broker_known(worker.bootstrap_servers)
    app = build_app(worker, handle, take_over)
    app.finalize()
    faust_worker = faust.Worker(app, loglevel="WARN", override_logging=False, loop=asyncio.get_running_loop())
    try:
        await faust_worker.start()
        await faust_worker.wait_until_stopped()
    finally:
        await _stop(faust_worker)


async def _broker_known(bootstrap_servers: str) -> None:
    # Right after its start, or while it is fenced, a broker answers with a list of no brokers, and the client's group
    # coordinator dies of that for good. So the worker begins only when the list names one.
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers)

    async def named() -> bool:
        try:
            await client.bootstrap()
        except KafkaError:
            return False
        return bool(client.cluster.brokers())

    try:
        await await_until(named, deadline_seconds=BROKER_SECONDS_MAX, what="a Kafka broker", poll_seconds=0.5)
    finally:
        await client.close()


async def _stop(faust_worker: faust.Worker) -> None:
    # A Faust worker that is told to stop while it still starts can wait for itself for ever. Leaving is safe: what was
    # not acknowledged comes again.
    # After a signal the stop runs in a task of Faust's own, and a second stop() returns at once: wait for the first.
    asked = faust_worker._signal_stop_future  # noqa: SLF001
    stopping = asked or asyncio.ensure_future(faust_worker.stop())
    done, _ = await asyncio.wait({stopping}, timeout=STOP_SECONDS_MAX)
    if not done:
        _log.warning("the worker did not stop in time; leaving without it", seconds=STOP_SECONDS_MAX)
        sys.stderr.flush()
        os._exit(0 if asked else EXIT_SINK_FAILED)
