"""Laws of identity resolution: the customers are a function of the set of records, however it came about."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_profiles import fewer
from identity_builders import clusters, record_sets
from transform.identity import blocking, scoring, surroundings, weights
from transform.identity import clusters as clustering
from transform.identity.identities import Identity
from transform.identity.records import Record, customer_id
from transform.identity.resolver import LinkedIds, Resolver, resolve


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a dozen records cross: crowded blocks, bins of the size and of frequencies, components to be cut."""
    monkeypatch.setattr(blocking, "BLOCK_MAX", 4)
    monkeypatch.setattr(scoring, "SHARED_BY_AT_MOST", 3)
    monkeypatch.setattr(clustering, "COMPONENT_MAX", 5)
    monkeypatch.setattr(weights, "_PSEUDO_RECORDS", 4)
    monkeypatch.setattr(surroundings, "_PSEUDO_OTHERS", 1)
    monkeypatch.setattr(surroundings, "_PSEUDO_SAME", 1)


class Stored:
    """What a store holds after every update was applied to it."""

    def __init__(self) -> None:
        self.resolver = Resolver()
        self.links: LinkedIds = {}
        self.identities: dict[str, Identity] = {}

    def update(self, records: Sequence[Record], removed: Sequence[str] = ()) -> None:
        changes = self.resolver.update(records, removed)
        for pair in changes.lost_links:
            del self.links[pair]
        self.links.update(changes.links)
        for id_ in changes.lost_identities:
            del self.identities[id_]
        self.identities.update((one.id, one) for one in changes.identities)

    def equals_full(self, records: Sequence[Record]) -> bool:
        full = Resolver().update(records)
        return self.links == full.links and sorted(self.identities.values(), key=lambda one: one.id) == full.identities


laws = fewer(25)


@laws
@given(record_sets(), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_customers(records: list[Record], random: object) -> None:
    again = list(records)
    random.shuffle(again)  # type: ignore[attr-defined]
    assert resolve(again) == resolve(records)


@laws
@given(record_sets(), st.data())
def test_any_batching_ends_in_the_same_links_and_customers(records: list[Record], data: st.DataObject) -> None:
    stored, rest = Stored(), list(data.draw(st.permutations(records)))
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        batch, rest = rest[:size], rest[size:]
        stored.update(batch)
    assert stored.equals_full(records)


@laws
@given(record_sets(), record_sets(), st.data())
def test_replays_and_new_versions_end_where_the_last_versions_begin(
    records: list[Record], others: list[Record], data: st.DataObject
) -> None:
    stored, latest = Stored(), {}
    for version in data.draw(st.permutations([*records, *others, *records[::2]])):
        latest[version.id] = version
        stored.update([version])
    assert stored.equals_full(list(latest.values()))


@laws
@given(record_sets(), st.data())
def test_a_record_that_is_removed_is_as_if_it_had_never_come(records: list[Record], data: st.DataObject) -> None:
    removed = data.draw(st.sets(st.sampled_from([record.id for record in records])))
    stored = Stored()
    stored.update(records)
    stored.update([], sorted(removed))
    assert stored.equals_full([record for record in records if record.id not in removed])


@laws
@given(record_sets())
def test_a_customer_bears_the_id_of_its_oldest_record(records: list[Record]) -> None:
    age = {record.id: record.age for record in records}
    found = resolve(records)
    for members in clusters(found):
        oldest = min(members, key=lambda id_: age[id_])
        assert {one.customer_id for one in found if one.id in members} == {customer_id(oldest)}


@laws
@given(record_sets())
def test_every_link_points_into_the_same_customer(records: list[Record]) -> None:
    found = resolve(records)
    customer = {one.id: one.customer_id for one in found}
    assert all(customer[one.linked_to] == one.customer_id for one in found)


@laws
@given(record_sets(most=6), st.data())
def test_a_pair_weighs_the_same_from_both_sides(records: list[Record], data: st.DataObject) -> None:
    resolver = Resolver()
    resolver.update(records)
    slots = resolver.population.alive.nonzero()[0]
    left = data.draw(st.permutations(slots.tolist()))
    model = weights.weights(resolver.setting)
    one, other = slots, slots.copy()
    other[:] = left
    there = scoring.score(resolver.population, model, one, other)
    back = scoring.score(resolver.population, model, other, one)
    assert there.weight.tolist() == back.weight.tolist()
    assert there.rule.tolist() == back.rule.tolist()
