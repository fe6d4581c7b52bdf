"""The service as processes: train, warm, serve and rescore agree to the bit; labels and decisions travel by Kafka."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fraud.features import DAY_MS
from fraud.orders import Order
from fraud.units import rfc3339
from fraud_builders import START_MS, a_lake, order_lines, twenty_days
from fraud_redis import empty_redis, fraud_redis, fraud_url
from google.protobuf.timestamp_pb2 import Timestamp
from shopsphere.fraud.v1 import fraud_pb2, fraud_pb2_grpc
from shopsphere_kit import topics
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import await_until

pytestmark = pytest.mark.servers
SPLIT = rfc3339(START_MS + 15 * DAY_MS)
LIVE_FROM_MS = START_MS + 18 * DAY_MS
SCOPES = ("fraud.score.write", "fraud.model.read")
Environment = dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(
    lake_settings: LakeSettings, redis_url: str, kafka_bootstrap: str, jwks_file: Path, tmp_path: Path
) -> Environment:
    return os.environ | {
        "SHOPSPHERE_LAKE_CATALOG_URI": lake_settings.catalog_uri,
        "SHOPSPHERE_LAKE_WAREHOUSE": lake_settings.warehouse,
        "SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "SHOPSPHERE_AUTH_JWKS_FILE": str(jwks_file),
        "FRAUD_REDIS_URL": fraud_url(redis_url),
        "FRAUD_MODEL_DIR": str(tmp_path / "models"),
        "FRAUD_DATA_DIR": str(tmp_path / "stream"),
        "FRAUD_REST_PORT": str(free_port()),
        "FRAUD_GRPC_PORT": str(free_port()),
        # The tests' machine is busier than a shop's.
        "FRAUD_VELOCITY_TIMEOUT_MILLISECONDS": "5000",
    }


def run(environment: Environment, *arguments: str) -> str:
    command = [sys.executable, "-m", "fraud", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def started(
    environment: Environment, verb: str, log: Path, how_to_end: signal.Signals = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as errors:
        process = subprocess.Popen([sys.executable, "-m", "fraud", verb], env=environment, stderr=errors)
        try:
            yield process
        finally:
            process.send_signal(how_to_end)
            try:
                assert process.wait(30) in (0, -signal.SIGKILL), log.read_text()
            finally:
                process.kill()
                process.wait()


@asynccontextmanager
async def served(environment: Environment, log: Path, token: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"}
    base_url = f"http://127.0.0.1:{environment['FRAUD_REST_PORT']}"
    with started(environment, "serve", log):
        async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=30) as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/readyz")).is_success
                except httpx.TransportError:
                    return False

            await await_until(ready, deadline_seconds=60, what="fraud to serve")
            yield client


async def by_rest(client: httpx.AsyncClient, order: Order) -> dict[str, Any]:
    body = {
        "order_id": order.order_id,
        "user_id": order.user_id,
        "store_id": order.store_id,
        "card_token": order.card_token,
        "amount": f"{order.amount_minor // 100}.{order.amount_minor % 100:02}",
        "currency": "USD",
        "units": order.units,
        "line_count": order.line_count,
        "ordered_at": rfc3339(order.ordered_at_ms),
    }
    response = await client.post("/v1/score", json=body, headers={"Idempotency-Key": f"key-{order.order_id}"})
    assert response.is_success, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_served_scores_are_the_offline_scores_and_reach_kafka(
    environment: Environment,
    lake_settings: LakeSettings,
    redis_url: str,
    kafka_bootstrap: str,
    token: Callable[..., str],
    tmp_path: Path,
) -> None:
    orders, labels = twenty_days()
    a_lake(lake_settings, [line for order in orders for line in order_lines(order)], labels)
    live = sorted((o for o in orders if o.ordered_at_ms >= LIVE_FROM_MS), key=lambda order: order.position)
    card = json.loads(run(environment, "train", "--until", SPLIT, "--label-delay-days", "2"))
    async with empty_redis(redis_url):
        loaded = json.loads(run(environment, "warm", "--until", rfc3339(LIVE_FROM_MS)))
        async with served(environment, tmp_path / "serve.log", token(*SCOPES)) as client:
            # Labels that become known later may be in Redis already: they count from their own time.
            await send_labels(environment, kafka_bootstrap, labels, tmp_path)
            answers = {order.order_id: await by_rest(client, order) for order in live}
            replayed = await by_rest(client, live[-1])
            shown = (await client.get("/v1/model")).json()
            over_grpc = await by_grpc(environment, live[-1], token(*SCOPES))
            await all_published(kafka_bootstrap, {order_id: each["score_bits"] for order_id, each in answers.items()})
    lines = run(environment, "rescore", "--since", rfc3339(LIVE_FROM_MS)).splitlines()
    again = {each["order_id"]: each for each in map(json.loads, lines)}
    assert loaded["orders"] == len(orders) - len(live)
    assert [o for o in answers if answers[o]["score_bits"] != again[o]["score_bits"]] == []
    assert {o: each["decision"] for o, each in answers.items()} == {o: each["decision"] for o, each in again.items()}
    assert {each["model_version"] for each in answers.values()} == {card["model_version"]}
    assert len({each["score_bits"] for each in answers.values()}) > 10
    assert (replayed, shown) == (answers[live[-1].order_id], card)
    assert over_grpc.score_bits == replayed["score_bits"]


async def by_grpc(environment: Environment, order: Order, token: str) -> fraud_pb2.ScoreResponse:
    ordered_at = Timestamp()
    ordered_at.FromMilliseconds(order.ordered_at_ms)
    request = fraud_pb2.ScoreRequest(
        idempotency_key=f"key-{order.order_id}",
        order_id=order.order_id,
        user_id=order.user_id,
        store_id=order.store_id,
        card_token=order.card_token,
        amount=f"{order.amount_minor / 100:.2f}",
        currency="USD",
        units=order.units,
        line_count=order.line_count,
        ordered_at=ordered_at,
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{environment['FRAUD_GRPC_PORT']}") as channel:
        stub = fraud_pb2_grpc.FraudServiceStub(channel)
        response: fraud_pb2.ScoreResponse = await stub.Score(request, metadata=(("authorization", f"Bearer {token}"),))
        return response


async def send_labels(environment: Environment, bootstrap: str, labels: list[Any], tmp_path: Path) -> None:
    """Send every label twice and one broken record, and wait until the worker has taken them in."""
    values = [
        json.dumps(
            {
                "event_id": f"L{label.order_id}",
                "order_id": label.order_id,
                "is_fraud": label.is_fraud,
                "occurred_at": rfc3339(label.known_at_ms),
                "source": "chargebacks",
            }
        ).encode()
        for label in labels
    ]
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for value in [b"{broken", *values, *values]:
        await producer.send_and_wait(topics.FRAUD_LABELS.name, value)
    await producer.stop()
    # Killed as soon as all are in: what it had not acknowledged would come again and change nothing.
    with started(environment, "stream", tmp_path / "stream.log", signal.SIGKILL):
        async with fraud_redis(environment["FRAUD_REDIS_URL"]) as client:

            async def taken_in() -> bool:
                known = await client.hlen("{fraud}:labels")
                return known == len(labels) and await client.hlen("{fraud}:quarantine") == 1

            await await_until(taken_in, deadline_seconds=60, what="the labels in Redis")


async def all_published(bootstrap: str, wanted: dict[str, str]) -> None:
    """Read the decisions topic until every answer was seen on it; each order's decision once."""
    consumer = AIOKafkaConsumer(
        topics.FRAUD_DECISIONS.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    seen: dict[str, str] = {}
    count = 0

    async def complete() -> bool:
        nonlocal count
        for records in (await consumer.getmany(timeout_ms=100)).values():
            count += len(records)
            seen.update((json.loads(each.value)["order_id"], json.loads(each.value)["score_bits"]) for each in records)
        return wanted.items() <= seen.items()

    try:
        await await_until(complete, deadline_seconds=30, what="the decisions on Kafka")
    finally:
        await consumer.stop()
    assert count == len(seen)
