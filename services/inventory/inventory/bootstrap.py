"""Opens connections and wires the parts; the only place here that does.

Order of closing: the doors (or the stream worker) first, so that no new work comes; then the publishers of changes and
of our movements, whose unsent ones stay in Redis; then the Kafka producer; Redis last, because everything before it may
still need an answer.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from shopsphere_kit import serving
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.errors import ShopSphereError
from shopsphere_kit.health import Readiness
from shopsphere_kit.outbox import Producer
from shopsphere_kit.stream import StreamWorker, run_worker
from shopsphere_kit.topics import STOCK_MOVEMENTS
from shopsphere_kit.waiting import await_until

from inventory import audit, durability, library, redis_failures, rest, rpc
from inventory.application import Inventory
from inventory.audit import AuditReport
from inventory.change_publisher import ChangePublisher
from inventory.errors import DataSetLost, LakeUnavailable, StockUnavailable
from inventory.feed import ChangeFeed, WatchBounds
from inventory.publisher import MovementPublisher
from inventory.redis_store import RedisStockStore, reopen_data_set
from inventory.settings import Settings
from inventory.store import DataSet, Ledger
from inventory.stream import KafkaDeadLetters, PartitionOwner, create_handler
from inventory.topic_reader import TopicReader

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

T = TypeVar("T")
# An outage of Kafka is noticed after this; the outbox keeps what was not acknowledged.
KAFKA_TIMEOUT_MILLISECONDS = 5_000


def new_id() -> str:
    """An id that nobody can guess."""
    return uuid.uuid4().hex


@asynccontextmanager
async def open_redis(settings: Settings) -> AsyncIterator[Redis]:
    """Redis with our functions in it; waits for it as long as the settings allow."""
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        max_connections=settings.redis_connections_max,
        timeout=settings.redis_timeout_seconds,
        socket_timeout=settings.redis_timeout_seconds,
        socket_connect_timeout=settings.redis_timeout_seconds,
    )
    client = Redis.from_pool(pool)

    async def answers() -> bool:
        try:
            return bool(await client.ping())
        except AuthenticationError:
            raise StockUnavailable("Redis refuses the password in INVENTORY_REDIS_URL") from None
        except (RedisConnectionError, RedisTimeoutError):
            return False
        except RedisError as error:
            raise redis_failures.refusal_of(error) from error

    try:
        await await_until(answers, deadline_seconds=settings.start_deadline_seconds, what="Redis (INVENTORY_REDIS_URL)")
        try:
            await library.load(client)
        except RedisError as error:
            raise StockUnavailable(f"Redis did not take our functions: {type(error).__name__}: {error}") from error
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def open_producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer whose acknowledgement means that the broker has the record."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, acks="all", enable_idempotence=True)
    try:
        await _started(settings, producer)
        yield producer
    finally:
        await producer.stop()


async def _started(settings: Settings, client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    async def starts() -> bool:
        try:
            await client.start()
        except KafkaError:
            return False
        return True

    kafka = "Kafka (SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS)"
    await await_until(starts, deadline_seconds=settings.start_deadline_seconds, what=kafka)


async def serve(settings: Settings) -> None:
    """Both doors, until SIGTERM."""
    async with open_redis(settings) as client:
        await durability.check(client, settings.durability)
        store = await RedisStockStore.open(client, settings.retention)
        feed = ChangeFeed(store, WatchBounds(settings.watchers_max, settings.watchers_per_client_max))
        inventory = Inventory(store, new_id, feed)
        verifier = TokenVerifier(settings.auth)
        app = rest.create_app(
            inventory, verifier, _readiness(client, store, settings), settings.http, version("shopsphere-inventory")
        )
        server = rpc.create_server(inventory, verifier, settings.http, settings.grpc_port)
        await serving.serve(
            app, http=settings.http, rest_port=settings.rest_port, grpc_server=server, on_stopping=feed.close
        )


async def stream(settings: Settings) -> None:
    """The stream worker, until SIGTERM."""
    worker = StreamWorker(
        app_id=settings.stream_app_id,
        topic=STOCK_MOVEMENTS.name,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        datadir=settings.stream_datadir,
        instance_id=settings.stream_instance_id,
        batch_max=settings.stream_batch_records_max,
        batch_within_seconds=settings.stream_batch_within_seconds,
    )
    async with open_redis(settings) as client, open_producer(settings) as producer:
        await durability.check(client, settings.durability)
        store = await RedisStockStore.open(client, settings.retention)
        owner = PartitionOwner(store)
        movements = MovementPublisher(store, lambda: _connect(settings))
        changes = ChangePublisher(store, lambda: _connect(settings), settings.stream_instance_id)
        async with publishing(movements), publishing(changes):
            await run_worker(worker, create_handler(store, KafkaDeadLetters(producer), owner), owner.take_over)


@asynccontextmanager
async def publishing(publisher: MovementPublisher | ChangePublisher) -> AsyncIterator[None]:
    """Publish meanwhile; a publisher that fails beyond the troubles it knows ends the process with it."""
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(publisher.run())
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError, DataSetLost):
                    await task
                await publisher.stop()
    except ExceptionGroup as failed:
        lost = failed.subgroup(DataSetLost)
        raise (lost.exceptions[0] if lost else failed) from failed


async def _connect(settings: Settings) -> Producer:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=KAFKA_TIMEOUT_MILLISECONDS,
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    connected: Producer = producer
    return connected


async def run_audit(settings: Settings, show: Callable[[Ledger], None]) -> AuditReport:
    """Every balance against the fold of its journal, each shown."""
    async with open_redis(settings) as client:
        return await audit.run(await RedisStockStore.open(client, settings.retention), show)


async def reopen(settings: Settings) -> DataSet:
    """Take what Redis holds as it is, under a new epoch."""
    async with open_redis(settings) as client:
        return await reopen_data_set(client)


@asynccontextmanager
async def open_reader(settings: Settings, topic: str) -> AsyncIterator[TopicReader]:
    """A reader of a whole topic; waits for Kafka as long as the settings allow."""
    # When retention overtakes the reading it goes on with what is left, never at the end: the store counts the gap.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka.bootstrap_servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await _started(settings, consumer)
        yield TopicReader(consumer, topic)
    finally:
        await consumer.stop()


def from_lake(read: "Callable[[Catalog], T]") -> T:
    """What is read from the lake's catalog; raises LakeUnavailable when it does not answer."""
    from shopsphere_kit import lake  # noqa: PLC0415 - serving must not load Arrow, 80 MB

    try:
        return read(lake.open_catalog(Settings.lake()))
    except ShopSphereError:
        raise
    except Exception as error:  # every catalog has errors of its own, and their texts may hold its password
        raise LakeUnavailable(
            f"the lake does not answer ({type(error).__name__}); check SHOPSPHERE_LAKE_* and try again"
        ) from error


def _readiness(client: Redis, store: RedisStockStore, settings: Settings) -> Readiness:
    async def functions() -> None:
        try:
            present = await library.installed_version(client)
        except RedisError as error:
            raise redis_failures.refusal_of(error) from error
        if present != library.VERSION:
            raise StockUnavailable(f"Redis holds version {present} of our functions, not {library.VERSION}")

    async def data_set() -> None:
        await store.availability([])

    readiness = Readiness()
    readiness.add("redis", functions)
    readiness.add("data_set", data_set)
    readiness.add("durability", lambda: durability.check(client, settings.durability))
    return readiness
