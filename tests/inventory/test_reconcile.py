"""Stock in Redis against the lake's newest closes: newer movements explain a difference, nothing else does."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from inventory import bootstrap
from inventory.errors import LakeUnavailable, NoRelease
from inventory.holds import Hold
from inventory.journal import Balance, Item
from inventory.memory_store import InMemoryStockStore
from inventory.reconcile import Difference, Reconciliation, reconcile
from inventory.redis_store import RedisStockStore
from inventory.stock import ApplyMovement
from inventory.store import StockStore
from inventory_builders import (
    BREAD,
    NOON,
    SOAP,
    TOPIC,
    a_movement,
    a_reservation,
    confirmation,
    once,
    positioned,
)
from inventory_lake import publish
from inventory_redis import empty_redis, inventory_url
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings

HOUR = timedelta(hours=1)


class MemoryBalances:
    """The balances of a store in memory."""

    def __init__(self, store: StockStore) -> None:
        self._store = store

    async def balances(self) -> AsyncIterator[tuple[Item, Balance]]:
        async for sku in self._store.skus():
            for ledger in await self._store.ledgers(sku):
                yield ledger.item, ledger.balance


@dataclass
class Tampered:
    """Balances that somebody wrote behind the functions' back."""

    kept: dict[Item, Balance]

    async def balances(self) -> AsyncIterator[tuple[Item, Balance]]:
        for item, balance in self.kept.items():
            yield item, balance


@dataclass
class Released:
    """A release that says what it is told."""

    on_hand: dict[Item, int]
    known: dict[Item, frozenset[str]]
    release_id: str = "R1"

    def closes(self) -> dict[Item, int]:
        return self.on_hand

    def event_ids(self, items: Iterable[Item]) -> dict[Item, frozenset[str]]:
        return {item: self.known[item] for item in items if item in self.known}


async def a_store(*movements: ApplyMovement) -> InMemoryStockStore:
    store = InMemoryStockStore(ManualClock(NOON))
    await store.apply_movements(TOPIC, positioned(*movements))
    return store


async def of_soap(store: StockStore, units: int | None, *known: ApplyMovement | str) -> Reconciliation:
    """The store against a release in which soap has so many units, made of these movements."""
    ids = frozenset(each if isinstance(each, str) else each.event_id for each in known)
    on_hand = {} if units is None else {SOAP: units}
    return await reconcile(MemoryBalances(store), store, Released(on_hand, {SOAP: ids} if ids else {}))


async def test_equal_figures_are_equal() -> None:
    receipt = a_movement(10)
    assert await of_soap(await a_store(receipt), 10, receipt) == Reconciliation("R1", 1, 1, 0, 0, ())


async def test_a_movement_newer_than_the_release_explains_a_difference() -> None:
    receipt, sale = a_movement(10), a_movement(-3, kind="sale")
    found = await of_soap(await a_store(receipt, sale), 10, receipt)
    assert found == Reconciliation("R1", 1, 0, 1, 0, (Difference("P1", "S1", 7, 10, 1, 0, is_explained=True),))


async def test_an_item_that_the_release_does_not_know_yet_is_explained() -> None:
    assert (await of_soap(await a_store(a_movement(10)), None)).explained == 1


async def test_a_late_count_newer_than_the_release_is_folded_out_again() -> None:
    receipt, sale = a_movement(10), a_movement(-3, kind="sale", occurred_at=NOON + HOUR)
    count = a_movement(4, kind="count", occurred_at=NOON + HOUR / 2)
    found = await of_soap(await a_store(receipt, sale, count), 7, receipt, sale)
    assert (found.explained, found.differences[0].redis) == (1, 1)


async def test_a_figure_that_newer_movements_do_not_lead_to_is_unexplained() -> None:
    receipt, sale = a_movement(10), a_movement(-3, kind="sale")
    found = await of_soap(await a_store(receipt, sale), 9, receipt)
    assert (found.explained, found.unexplained) == (0, 1)


async def test_a_balance_that_its_own_journal_does_not_lead_to_is_unexplained() -> None:
    receipt = a_movement(10)
    store = await a_store(receipt)
    ids = {SOAP: frozenset({receipt.event_id})}
    found = await reconcile(Tampered({SOAP: Balance(9)}), store, Released({SOAP: 10}, ids))
    assert found.unexplained == 1


async def test_a_movement_that_only_the_lake_has_is_unexplained() -> None:
    receipt, lost = a_movement(10), a_movement(-3, kind="sale")
    found = await of_soap(await a_store(receipt), 7, receipt, lost)
    assert found.differences == (Difference("P1", "S1", 10, 7, 0, 1, is_explained=False),)
    assert (await of_soap(await a_store(), 7, lost)).differences[0].redis is None


async def test_a_confirmed_reservation_is_a_movement_that_the_release_may_know_or_not() -> None:
    receipt = a_movement(10)
    store = await a_store(receipt)
    decision = await store.reserve(a_reservation(4), once())
    assert isinstance(decision.outcome, Hold)
    await store.confirm(confirmation(decision.outcome.reservation_id), once())
    (owed,) = await store.outbox(10)
    assert (await of_soap(store, 10, receipt)).explained == 1
    assert (await of_soap(store, 6, receipt, owed.movement)).equal == 1
    newer = a_movement(5)
    await store.apply_movements(TOPIC, positioned(newer, start=1))
    assert (await of_soap(store, 6, receipt, owed.movement)).explained == 1
    assert (await of_soap(store, 10, receipt, owed.movement)).unexplained == 1


async def test_what_nothing_explains_comes_first() -> None:
    receipts = a_movement(10, BREAD), a_movement(10, SOAP)
    store = await a_store(*receipts)
    known = {receipts[0].item: frozenset({receipts[0].event_id})}
    found = await reconcile(MemoryBalances(store), store, Released({BREAD: 9}, known))
    assert [(each.sku, each.is_explained) for each in found.differences] == [("P2", False), ("P1", True)]


# --- a real Redis and a real lake


async def told(redis_url: str, lake: LakeSettings) -> tuple[int | None, dict[str, object]]:
    """Exit code and answer of `python -m inventory reconcile`."""
    environment = {
        **os.environ,
        "INVENTORY_REDIS_URL": inventory_url(redis_url),
        "SHOPSPHERE_LAKE_CATALOG_URI": lake.catalog_uri,
        "SHOPSPHERE_LAKE_WAREHOUSE": lake.warehouse,
    }
    command = [sys.executable, "-m", "inventory", "reconcile"]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return process.returncode, json.loads(output) if output else {}


def two_days() -> Sequence[ApplyMovement]:
    yesterday = NOON - timedelta(days=1)
    return [
        a_movement(10, occurred_at=yesterday),
        a_movement(-3, kind="sale"),
        a_movement(5, BREAD, occurred_at=yesterday),
    ]


@pytest.mark.servers
async def test_the_verb_compares_the_last_close_of_the_newest_release(
    redis_url: str, lake_settings: LakeSettings
) -> None:
    movements, catalog = two_days(), open_catalog(lake_settings)
    async with empty_redis(redis_url) as client:
        await (await RedisStockStore.open(client)).apply_movements(TOPIC, positioned(*movements, a_movement(1)))
        assert await told(redis_url, lake_settings) == (65, {})
        publish(catalog, movements[:1], "R1")
        publish(catalog, movements, "R2", NOON + HOUR)
        code, answer = await told(redis_url, lake_settings)
        assert code == 0
        figures = {name: answer[name] for name in ("release", "items", "equal", "explained", "unexplained")}
        assert figures == {"release": "R2", "items": 2, "equal": 1, "explained": 1, "unexplained": 0}
        await client.hset("inv:stock:P2", "S1", "4:0:1::")
        code, answer = await told(redis_url, lake_settings)
        assert (code, answer["unexplained"]) == (1, 1)


def test_a_lake_that_lacks_releases_is_refused(lake_settings: LakeSettings) -> None:
    from inventory.lake_stock import newest  # noqa: PLC0415 - loads Arrow

    with pytest.raises(NoRelease, match="transform run"):
        newest(open_catalog(lake_settings))


def test_a_lake_that_is_away_is_told_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    from inventory.lake_stock import newest  # noqa: PLC0415 - loads Arrow

    monkeypatch.setenv("SHOPSPHERE_LAKE_CATALOG_URI", "sqlite:////nowhere/secret/catalog.db")
    monkeypatch.setenv("SHOPSPHERE_LAKE_WAREHOUSE", "file:///nowhere")
    with pytest.raises(LakeUnavailable) as error:
        bootstrap.from_lake(newest)
    assert "secret" not in str(error.value)
