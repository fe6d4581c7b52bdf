"""What a caller hears when Redis fails: each way, made real, has its own reason, and nothing is answered instead."""

import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest
from inventory import library
from inventory.bootstrap import open_redis
from inventory.errors import StockUnavailable
from inventory.redis_failures import refusal_of
from inventory.redis_store import RedisStockStore
from inventory.settings import Settings
from inventory_builders import SOAP, a_reservation, once, stocked
from inventory_failing_redis import OwnRedis, own_redis
from inventory_shop import numbers
from pydantic import SecretStr
from redis.exceptions import RedisError, ResponseError
from shopsphere_kit.waiting import await_until, wait_until

__all__ = ["own_redis"]

pytestmark = pytest.mark.servers

TIMEOUT_SECONDS = 1.0


def settings_for(server: OwnRedis) -> Settings:
    return Settings(redis_url=SecretStr(server.url), redis_timeout_seconds=TIMEOUT_SECONDS, start_deadline_seconds=0.0)


@pytest.fixture
async def store(own_redis: OwnRedis) -> AsyncIterator[RedisStockStore]:
    async with open_redis(settings_for(own_redis)) as client:
        opened = await RedisStockStore.open(client)
        await stocked(opened, 10)
        yield opened


async def refused(store: RedisStockStore) -> StockUnavailable:
    """Both a change and a read are refused for the same reason; the error of the change."""
    with pytest.raises(StockUnavailable) as of_change:
        await store.reserve(a_reservation(), once())
    with pytest.raises(StockUnavailable) as of_read:
        await store.availability([SOAP.sku])
    assert of_change.value.reason == of_read.value.reason
    assert of_change.value.http_status == 503
    assert of_change.value.retry_after_seconds is not None
    assert "unknown" not in of_read.value.detail
    return of_change.value


async def until_told(store: RedisStockStore, reason: str | None) -> None:
    """Connections of before a restart fail once each; wait until a read is refused for the reason, or answered."""

    async def is_told() -> bool:
        try:
            await store.availability([SOAP.sku])
        except StockUnavailable as error:
            return error.reason == reason
        return reason is None

    await await_until(is_told, deadline_seconds=30, what=f"the reason {reason}")


async def test_a_replica_is_read_only(own_redis: OwnRedis, store: RedisStockStore) -> None:
    with own_redis.client() as client:
        client.replicaof("127.0.0.1", "1")
        assert (await refused(store)).reason == "redis_read_only"
        client.replicaof("NO", "ONE")
    assert await numbers(store) == (10, 0)


async def test_a_full_redis_is_out_of_memory(own_redis: OwnRedis, store: RedisStockStore) -> None:
    with own_redis.client() as client:
        client.config_set("maxmemory", "1")
        assert (await refused(store)).reason == "redis_out_of_memory"
        client.config_set("maxmemory", "0")
    assert await numbers(store) == (10, 0)


async def test_a_script_that_does_not_end_keeps_redis_busy(own_redis: OwnRedis, store: RedisStockStore) -> None:
    def run_for_ever() -> None:
        with suppress(ResponseError), own_redis.client() as client:
            client.eval("while true do end", 0)

    with own_redis.client() as client:
        client.config_set("busy-reply-threshold", "20")
        script = threading.Thread(target=run_for_ever)
        script.start()
        await until_told(store, "redis_busy")
        assert (await refused(store)).reason == "redis_busy"
        client.script_kill()
        script.join()
    assert await numbers(store) == (10, 0)


async def test_a_disk_that_takes_no_snapshot_is_told(own_redis: OwnRedis, store: RedisStockStore) -> None:
    (own_redis.data / "dump.rdb" / "in the way").mkdir(parents=True)
    with own_redis.client() as client:
        client.config_set("save", "3600 1")
        client.bgsave()
        wait_until(
            lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err",
            deadline_seconds=30,
            what="the snapshot to fail",
        )
    assert (await refused(store)).reason == "redis_disk_failed"


async def test_a_redis_that_reads_its_files_is_loading(own_redis: OwnRedis, store: RedisStockStore) -> None:
    with own_redis.client() as client:
        client.mset({f"other:{number}": "" for number in range(20_000)})
        client.bgrewriteaof()
        wait_until(
            lambda: client.info("persistence")["aof_base_size"] > 20_000, deadline_seconds=30, what="the file rewritten"
        )
    own_redis.kill()
    own_redis.start(key_load_delay="5000", loading_process_events_interval_bytes="1024")
    await until_told(store, "redis_loading")
    assert (await refused(store)).reason == "redis_loading"


async def test_a_redis_that_is_away_leaves_the_outcome_of_a_change_unknown(
    own_redis: OwnRedis, store: RedisStockStore
) -> None:
    own_redis.kill()
    error = await refused(store)
    assert error.reason == "redis_away"
    assert "unknown" in error.detail
    assert "same idempotency key" in error.detail


async def test_a_call_that_redis_does_not_answer_in_time_is_repeated_with_its_key(
    own_redis: OwnRedis, store: RedisStockStore
) -> None:
    with own_redis.client() as client:
        client.client_pause(int(2 * TIMEOUT_SECONDS * 1000))
        with pytest.raises(StockUnavailable, match="unknown: send it again with the same idempotency key") as caught:
            await store.reserve(a_reservation(4), once("basket-1"))
        assert caught.value.reason == "redis_timeout"
        client.client_unpause()
    await store.reserve(a_reservation(4), once("basket-1"))
    assert await numbers(store) == (10, 4)


async def test_a_redis_that_restarts_with_its_data_is_worked_on_again(
    own_redis: OwnRedis, store: RedisStockStore
) -> None:
    await store.reserve(a_reservation(4), once())
    own_redis.kill()
    own_redis.start()
    await until_told(store, None)
    assert await numbers(store) == (10, 4)


async def test_without_its_functions_the_library_is_missing(own_redis: OwnRedis, store: RedisStockStore) -> None:
    with own_redis.client() as client:
        client.function_delete(library.NAME)
    assert (await refused(store)).reason == "library_missing"


async def test_a_password_that_changed_is_told_without_it(own_redis: OwnRedis, store: RedisStockStore) -> None:
    with own_redis.client() as client:
        client.config_set("requirepass", "another")
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await until_told(store, "redis_access_refused")
    error = await refused(store)
    assert error.reason == "redis_access_refused"
    assert "another" not in error.detail


async def test_when_every_connection_is_in_use_the_call_was_not_made(own_redis: OwnRedis) -> None:
    one = settings_for(own_redis).model_copy(update={"redis_connections_max": 1})
    async with open_redis(one) as client, AsyncExitStack() as held:
        store = await RedisStockStore.open(client)
        await held.enter_async_context(client.monitor())
        error = await refused(store)
    assert error.reason == "redis_connections_exhausted"
    assert "unknown" not in error.detail


@pytest.mark.parametrize("error", [RedisError("something new"), ResponseError("ERR something new")])
async def test_a_failure_nobody_knows_is_still_a_503(error: RedisError) -> None:
    told = refusal_of(error)
    assert (told.http_status, told.reason, "something new" in told.detail) == (503, "stock_unavailable", False)


async def test_an_emptied_redis_is_another_data_set(own_redis: OwnRedis, store: RedisStockStore) -> None:
    with own_redis.client() as client:
        client.flushall()
    assert (await refused(store)).reason == "epoch_mismatch"


async def test_an_emptied_redis_that_another_process_opened_is_another_data_set(
    own_redis: OwnRedis, store: RedisStockStore
) -> None:
    with own_redis.client() as client:
        client.flushall()
    async with open_redis(settings_for(own_redis)) as client:
        successor = await RedisStockStore.open(client)
        assert successor.epoch > store.epoch
        assert (await refused(store)).reason == "epoch_mismatch"
        await stocked(successor, 3)
        assert await numbers(successor) == (3, 0)
