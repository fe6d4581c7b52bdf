"""The Redis functions and stock.py, step by step: any sequence of calls leaves both with the same answers and state."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from inventory import audit, library
from inventory.adjustments import Adjustment, AdjustStock
from inventory.changes import Cursor
from inventory.errors import IdempotencyKeyReused, OwnerFenced
from inventory.holds import Line
from inventory.journal import Balance, StockMoved
from inventory.memory_store import InMemoryStockStore
from inventory.redis_store import RedisStockStore
from inventory.reservations import (
    ConfirmReservation,
    ExtendReservation,
    ReleaseReservation,
    ReserveStock,
    TransferReservation,
)
from inventory.store import Decision, Once, Positioned, SetAside, StockStore, View
from inventory.terms import SetTerms, Term
from inventory_builders import NOON, TOPIC
from inventory_redis import inventory_url
from inventory_strategies import (
    BLINK,
    LONG,
    SKUS,
    adjustments,
    baskets,
    channels,
    contents,
    picks,
    places,
    terms,
    views,
)
from redis.asyncio import Redis
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.waiting import await_until

pytestmark = pytest.mark.servers


class FunctionsAgainstModel(RuleBasedStateMachine):
    """Each rule calls Redis, sets the model's clock to the time Redis decided at, and calls the model."""

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.client = Redis.from_url(inventory_url(redis_url))
        self.clock = ManualClock(NOON)
        self.real = self.runner.run(self.start_empty())
        self.model = InMemoryStockStore(self.clock, epoch=self.real.epoch)
        self.numbers = self.batches = 0
        self.next_offset = [0, 0]
        self.owner_epochs = [0, 0]

    async def start_empty(self) -> RedisStockStore:
        await self.client.flushdb()
        await library.load(self.client)
        return await RedisStockStore.open(self.client)

    def teardown(self) -> None:
        # Counting every event id takes a while, so it is done once, at the end.
        assert self.runner.run(audit.run(self.real)).differences == 0
        assert self.runner.run(self.real.taken(TOPIC)) == self.runner.run(self.model.taken(TOPIC))
        self.runner.run(self.client.aclose())
        self.runner.close()

    @rule(batch=st.lists(contents, min_size=1, max_size=5), partition=st.integers(0, 1), rewind=st.integers(0, 2))
    def apply_movements(self, batch: list[Any], partition: int, rewind: int) -> None:
        start = max(0, self.next_offset[partition] - rewind)
        records = [Positioned(partition, start + step, content) for step, content in enumerate(batch)]
        self.next_offset[partition] = max(self.next_offset[partition], start + len(batch))
        owners = dict(enumerate(self.owner_epochs))
        real = self.runner.run(self.real.apply_movements(TOPIC, records, owners))
        assert real == self.runner.run(self.model.apply_movements(TOPIC, records, owners))

    @rule(partitions=st.sampled_from([[0], [1], [0, 1], [1, 0], []]))
    def take_over(self, partitions: list[int]) -> None:
        real = self.runner.run(self.real.take_over(TOPIC, partitions))
        assert real == self.runner.run(self.model.take_over(TOPIC, partitions))
        for partition, owned in real.items():
            self.owner_epochs[partition] = owned.owner_epoch

    @rule(
        batch=st.lists(contents, min_size=1, max_size=3), partition=st.integers(0, 1), age=st.sampled_from([-1, 1, 2])
    )
    def apply_as_somebody_else(self, batch: list[Any], partition: int, age: int) -> None:
        records = [Positioned(0, self.next_offset[0], SetAside("empty"))]
        records += [
            Positioned(partition, self.next_offset[partition] + step, content)
            for step, content in enumerate(batch, start=1 - partition)
        ]
        owners = dict(enumerate(self.owner_epochs)) | {partition: self.owner_epochs[partition] - age}
        for store in (self.real, self.model):
            with pytest.raises(OwnerFenced):
                self.runner.run(store.apply_movements(TOPIC, records, owners))

    @rule(
        lines=baskets,
        expires_in=st.sampled_from([BLINK, LONG]),
        allow_partial=st.booleans(),
        channel=channels,
        slot=st.integers(0, 9),
        body=st.integers(0, 5),
    )
    def reserve(
        self, lines: list[Line], expires_in: timedelta, allow_partial: bool, channel: str, slot: int, body: int
    ) -> None:
        self.numbers += 1
        command = ReserveStock(f"R{self.numbers}", tuple(lines), expires_in, allow_partial, channel)
        # Few slots and mostly one body, so that replays and conflicts come up among the first decisions.
        once = Once(f"slot-{slot}-{self.numbers // 5}", str(body // 5))
        self.both(lambda store: store.reserve(command, once))

    @precondition(lambda self: self.numbers)
    @rule(pick=picks, lines=st.one_of(st.just([]), baskets), slot=st.integers(0, 3))
    def confirm(self, pick: int, lines: list[Line], slot: int) -> None:
        command = ConfirmReservation(self.picked(pick), tuple(lines))
        self.both(lambda store: store.confirm(command, Once(f"confirm-{slot}-{pick}", str(len(lines)))))

    @precondition(lambda self: self.numbers)
    @rule(pick=picks, slot=st.integers(0, 3))
    def release(self, pick: int, slot: int) -> None:
        command = ReleaseReservation(self.picked(pick))
        self.both(lambda store: store.release(command, Once(f"release-{slot}-{pick}", "")))

    @precondition(lambda self: self.numbers)
    @rule(pick=picks, expires_in=st.sampled_from([BLINK, LONG]), slot=st.integers(0, 3))
    def extend(self, pick: int, expires_in: timedelta, slot: int) -> None:
        command = ExtendReservation(self.picked(pick), expires_in)
        self.both(lambda store: store.extend(command, Once(f"extend-{slot}-{pick}", str(expires_in))))

    @precondition(lambda self: self.numbers)
    @rule(pick=picks, to=places, origin=st.one_of(st.none(), places), slot=st.integers(0, 3))
    def transfer(self, pick: int, to: str, origin: str | None, slot: int) -> None:
        command = TransferReservation(self.picked(pick), to, origin)
        self.both(lambda store: store.transfer(command, Once(f"transfer-{slot}-{pick}", f"{to} {origin}")))

    @rule(
        batch=st.lists(adjustments, min_size=1, max_size=3, unique_by=lambda each: each.item.sku),
        slot=st.integers(0, 5),
    )
    def adjust(self, batch: list[Adjustment], slot: int) -> None:
        self.batches += 1
        command = AdjustStock(f"A{self.batches}", tuple(batch))
        self.both(lambda store: store.adjust(command, Once(f"adjust-{slot}-{self.batches // 4}", str(len(batch)))))

    @rule(batch=st.lists(terms, min_size=1, max_size=4))
    def set_terms(self, batch: list[Term]) -> None:
        self.batches += 1
        self.both(lambda store: store.set_terms(SetTerms(tuple(batch)), Once(f"terms-{self.batches}", "")))
        for sku in (*SKUS, "GIFT"):
            assert self.runner.run(self.real.terms(sku)) == self.runner.run(self.model.terms(sku))

    @rule(pick=picks)
    def read_reservation(self, pick: int) -> None:
        self.both(lambda store: store.reservation(self.picked(pick)))

    @rule(skus=st.lists(st.sampled_from([*SKUS, "GIFT", "P404"]), min_size=1, max_size=3, unique=True), view=views)
    def read_availability(self, skus: list[str], view: View) -> None:
        real = self.runner.run(self.real.availability(skus, view))
        self.set_clock(real.as_of)
        model = self.runner.run(self.model.availability(skus, view))
        shown = {
            sku: {at: replace(b, counted_at=None, moved_at=None) for at, b in model.skus[sku].items()} for sku in skus
        }
        assert (real.skus, real.set_aside, real.promises) == (shown, model.set_aside, model.promises)

    @rule(units=st.integers(0, 5))
    def set_low_stock(self, units: int) -> None:
        for store in (self.real, self.model):
            self.runner.run(store.set_low_stock(units))

    @rule(most=st.integers(1, 3))
    def send_sales(self, most: int) -> None:
        for store in (self.real, self.model):
            self.runner.run(store.sent(self.runner.run(store.outbox(most))))

    @rule()
    def let_short_holds_fall_due(self) -> None:
        started = self.runner.run(self.real.availability([])).as_of

        async def has_passed() -> bool:
            return (await self.real.availability([])).as_of > started + BLINK

        self.runner.run(await_until(has_passed, deadline_seconds=5, what="Redis' clock", poll_seconds=0.001))

    @invariant()
    def both_hold_the_same(self) -> None:
        for sku in SKUS:
            assert self.ledgers(self.real, sku) == self.ledgers(self.model, sku)
        assert self.runner.run(self.real.totals()) == self.runner.run(self.model.totals())
        assert self.owed(self.real) == self.owed(self.model)
        assert self.told(self.real) == self.told(self.model)
        assert self.runner.run(self.real.offsets(TOPIC)) == self.runner.run(self.model.offsets(TOPIC))

    @invariant()
    def every_balance_is_the_fold_of_its_journal(self) -> None:
        for sku in SKUS:
            for ledger in self.runner.run(self.real.ledgers(sku)):
                assert audit.differences_of(ledger) == []

    def picked(self, pick: int) -> str:
        """A reservation that was asked for lately, held or refused, or one that never was."""
        return f"R{max(1, self.numbers + 1 - pick)}"

    def owed(self, store: StockStore) -> list[Any]:
        return [each.movement for each in self.runner.run(store.outbox(1000))]

    def told(self, store: StockStore) -> list[Any]:
        """What followers were told, of each item in its order."""
        found = self.runner.run(store.changes(Cursor(self.real.epoch, 0), 10_000)).changes
        figures = [(each.item, each.version, each.quantity, each.reserved, each.kind, each.is_low) for each in found]
        return sorted(figures, key=lambda each: each[0])

    def both(self, call: Any) -> None:
        try:
            real: Decision | None = self.runner.run(call(self.real))
        except IdempotencyKeyReused:
            real = None
        if real and not real.is_replay:
            self.set_clock(real.as_of)
        try:
            model = self.runner.run(call(self.model))
        except IdempotencyKeyReused:
            model = None
        assert real == model

    def set_clock(self, moment: datetime) -> None:
        self.clock.advance(max(timedelta(0), moment - self.clock.now()))

    def ledgers(self, store: StockStore, sku: str) -> list[Any]:
        # A movement is recorded at Redis' time, which its answer does not tell; everything else must agree.
        found = self.runner.run(store.ledgers(sku))
        return [
            (each.item, each.balance, each.held, [_without_recording(event) for event in each.journal])
            for each in sorted(found, key=lambda each: each.item)
        ]


def _as_shown(locations: dict[str, Balance]) -> dict[str, Balance]:
    return {location: replace(kept, counted_at=None, moved_at=None) for location, kept in locations.items()}


def _without_recording(event: Any) -> Any:
    return replace(event, recorded_at=NOON) if isinstance(event, StockMoved) else event


def test_any_sequence_of_calls_leaves_functions_and_model_alike(redis_url: str) -> None:
    run_state_machine_as_test(
        partial(FunctionsAgainstModel, redis_url),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
