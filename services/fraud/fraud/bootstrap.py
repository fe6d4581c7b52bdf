"""Opens connections and wires the service.

Closing order of `serve`: first the doors, so that no new order comes; then the publisher, whose unsent decisions stay
in the outbox; then Redis. Of `stream`: the consumer, then Redis.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from shopsphere_kit.clock import Clock, SystemClock
from shopsphere_kit.errors import ShopSphereError
from shopsphere_kit.logging import get_logger
from shopsphere_kit.outbox import Producer

from fraud.breaker import Breaker
from fraud.checkout import Checkout, ModelSlot, Served
from fraud.errors import LakeUnavailable, NoOrders, VelocityUnavailable
from fraud.publisher import Publisher
from fraud.redis_store import RedisVelocityStore
from fraud.registry import ModelRegistry
from fraud.rules import Limits
from fraud.scoring import Policy
from fraud.settings import Settings

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from shopsphere_kit.lake import Release

_log = get_logger(__name__)
# Loading history moves megabytes; only a dead server takes longer.
BULK_TIMEOUT_SECONDS = 30.0
KAFKA_TIMEOUT_MILLISECONDS = 5_000


def policy(settings: Settings) -> Policy:
    """Build the decision policy, reading the list of blocked cards."""
    file = settings.blocked_cards_file
    blocked = frozenset(file.read_text().split()) if file else frozenset()
    limits = Limits(settings.review_amount_minor, settings.block_amount_minor, settings.card_orders_per_hour, blocked)
    return Policy(settings.review_score, settings.block_score, limits)


def registry(settings: Settings) -> ModelRegistry:
    """Open the folder of models."""
    return ModelRegistry(settings.model_dir)


def open_lake(release_id: str | None) -> "tuple[Catalog, Release]":
    """Open the catalog and pin a release, the latest by default; raises LakeUnavailable, NoOrders before the first."""
    from shopsphere_kit import lake  # noqa: PLC0415 - serving must not load Arrow, 80 MB

    where = Settings.lake()
    try:
        catalog = lake.open_catalog(where)
        pinned = lake.release(catalog, release_id) if release_id else lake.latest_release(catalog)
    except ShopSphereError:
        raise
    except Exception as error:  # every catalog has errors of its own, and their texts may hold its password
        raise LakeUnavailable(
            f"the lake does not answer ({type(error).__name__}); check SHOPSPHERE_LAKE_* and try again"
        ) from error
    if pinned is None:
        raise NoOrders("the lake holds no release yet; run `python -m transform run` first", reason="no_release")
    return catalog, pinned


@asynccontextmanager
async def open_store(
    settings: Settings, timeout_seconds: float = BULK_TIMEOUT_SECONDS, clock: Clock | None = None
) -> AsyncIterator[RedisVelocityStore]:
    """Connect to Redis and load the functions; when Redis is away they are loaded on the first call that needs them."""
    client = Redis.from_url(
        settings.redis_url.get_secret_value(),
        decode_responses=True,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        # Every function is idempotent: one more try heals a connection that Redis closed.
        retry=Retry(NoBackoff(), 1),
    )
    store = RedisVelocityStore(client, clock or SystemClock(), timedelta(days=settings.history_retention_days))
    try:
        try:
            await store.load_functions()
        except VelocityUnavailable as error:
            _log.warning("the velocity store is away", cause=type(error.__cause__).__name__)
        yield store
    finally:
        await client.aclose()


@asynccontextmanager
async def running(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Checkout]:
    """Run what stands behind the doors: the store, the model slot with its watcher, the publisher."""
    timeout = timedelta(milliseconds=settings.velocity_timeout_milliseconds)
    time = clock or SystemClock()
    breaker = Breaker(time, timedelta(milliseconds=settings.velocity_pause_milliseconds))
    async with open_store(settings, timeout.total_seconds(), clock) as store:
        publisher = Publisher(store, lambda: _connect(settings))
        slot = ModelSlot()
        checkout = Checkout(store, slot, policy(settings), time, timeout, breaker, publisher.keep_aside)
        refresh(slot, registry(settings))
        tasks = [
            asyncio.create_task(publisher.run()),
            asyncio.create_task(_watch(slot, registry(settings), settings.model_poll_seconds)),
        ]
        try:
            yield checkout
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await publisher.stop()


def refresh(slot: ModelSlot, models: ModelRegistry) -> None:
    """Load the model that `current` names when it is another one; a model that does not fit leaves the old in use."""
    version = models.current_version()
    if version is None or (slot.served and slot.served.model.version == version):
        return
    try:
        slot.served = Served(*models.load(version))
        _log.info("model loaded", model_version=version)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a new model, the old one must go on serving
        _log.error("model not loaded", model_version=version, exc_info=error)


async def _watch(slot: ModelSlot, models: ModelRegistry, pause_seconds: float) -> None:
    while True:
        await asyncio.sleep(pause_seconds)
        refresh(slot, models)


async def _connect(settings: Settings) -> Producer:
    """Connect to Kafka as an idempotent producer; raises KafkaError when it is away."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        enable_idempotence=True,
        acks="all",
        linger_ms=5,
        request_timeout_ms=KAFKA_TIMEOUT_MILLISECONDS,
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    connected: Producer = producer
    return connected
