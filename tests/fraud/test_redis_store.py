"""What only the store in Redis does: it heals, says when Redis is away, and keeps unreadable records."""

import base64
import json
import socket
from datetime import timedelta

import pytest
from fraud import bootstrap
from fraud.errors import VelocityUnavailable
from fraud.orders import History
from fraud.redis_store import RedisVelocityStore, decode_order, encode_order, library
from fraud.settings import Settings
from fraud.store import Reject, ScoreOrder
from fraud_builders import NOON, an_order, earlier, order_lists
from fraud_redis import empty_redis
from hypothesis import given
from pydantic import SecretStr
from shopsphere_kit.clock import ManualClock


@given(order_lists())
def test_an_order_reads_back_as_it_was_written(orders: list[object]) -> None:
    for order in orders:
        assert decode_order(encode_order(order)) == order  # type: ignore[arg-type]


async def test_redis_being_away_is_told_in_time() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"redis://127.0.0.1:{probe.getsockname()[1]}/0"
        async with bootstrap.open_store(Settings(redis_url=SecretStr(nobody)), timeout_seconds=0.2) as store:
            with pytest.raises(VelocityUnavailable):
                await store.open(ScoreOrder("key", "digest", an_order()))


@pytest.mark.servers
async def test_functions_that_redis_lost_are_loaded_again(redis_url: str) -> None:
    async with empty_redis(redis_url) as client:
        store = RedisVelocityStore(client, ManualClock(NOON), timedelta(days=90))
        past = earlier(1)
        await store.record([past])
        await client.function_delete(f"shopsphere_fraud_{library()[1]}")
        opened = await store.open(ScoreOrder("key", "digest", an_order()))
        assert isinstance(opened, History)
        assert list(opened.orders) == [past]


@pytest.mark.servers
async def test_an_unreadable_record_is_kept_with_position_reason_and_bytes(redis_url: str) -> None:
    async with empty_redis(redis_url) as client:
        store = RedisVelocityStore(client, ManualClock(NOON), timedelta(days=90))
        await store.label([], [Reject("fraud-labels", 1, 7, "not_json", "not JSON", b"\xff{")])
        kept = json.loads((await client.hgetall("{fraud}:quarantine"))["fraud-labels/1/7"])
        assert (kept["reason"], base64.b64decode(kept["value_base64"])) == ("not_json", b"\xff{")


@pytest.mark.servers
async def test_what_is_forgotten_leaves_nothing_behind(redis_url: str) -> None:
    async with empty_redis(redis_url) as client:
        clock = ManualClock(NOON)
        store = RedisVelocityStore(client, clock, timedelta(days=90))
        await store.record([earlier(1), earlier(2, user_id=None)])
        clock.advance(timedelta(days=91))
        await store.record([])
        assert await client.keys("*") == []
