"""Who is who, case by case and as laws."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from transform.identity import SHARED_BY_AT_MOST, Clue, Identity, SourceUser, customer_id, resolve

DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BEN, CAT = SourceUser("shop", "1"), SourceUser("marketplace", "B-1"), SourceUser("shop", "3")


def clue(user: SourceUser, day: int, kind: str | None = None, value: str | None = None) -> Clue:
    return Clue(user, DAY_0 + timedelta(days=day), kind, value)


def customers(identities: list[Identity]) -> dict[SourceUser, str]:
    return {identity.user: identity.customer_id for identity in identities}


def test_a_user_who_shares_nothing_is_a_customer_alone() -> None:
    [identity] = resolve([clue(ANN, 1), clue(ANN, 1, "email", "ann@shop.example")])
    assert (identity.customer_id, identity.evidence, identity.linked_to) == (customer_id(ANN), "self", ANN)


def test_users_who_share_an_address_are_one_customer_named_after_the_older() -> None:
    found = resolve([clue(ANN, 5, "email", "a@x"), clue(BEN, 2, "email", "a@x")])
    assert customers(found) == {ANN: customer_id(BEN), BEN: customer_id(BEN)}


def test_the_link_says_what_is_shared_with_whom_since_when() -> None:
    found = resolve([clue(ANN, 1), clue(ANN, 4, "phone", "+1"), clue(BEN, 2, "phone", "+1")])
    linked = next(identity for identity in found if identity.user == BEN)
    assert (linked.evidence, linked.linked_to, linked.linked_at) == ("phone", ANN, DAY_0 + timedelta(days=4))


def test_the_strongest_evidence_is_told() -> None:
    shared = [(kind, "v") for kind in ("phone", "loyalty_number", "email")]
    found = resolve([clue(user, day, *one) for one in shared for user, day in ((ANN, 1), (BEN, 2))])
    assert [identity.evidence for identity in found if identity.user == BEN] == ["loyalty_number"]


def test_a_bridge_joins_two_customers_and_its_removal_splits_them() -> None:
    ends = [clue(ANN, 1, "email", "a@x"), clue(CAT, 2, "phone", "+1")]
    bridge = [clue(BEN, 3, "email", "a@x"), clue(BEN, 3, "phone", "+1")]
    assert len(set(customers(resolve(ends + bridge)).values())) == 1
    assert customers(resolve(ends)) == {ANN: customer_id(ANN), CAT: customer_id(CAT)}


def test_the_same_value_of_another_kind_links_nobody() -> None:
    assert len(set(customers(resolve([clue(ANN, 1, "email", "7"), clue(BEN, 1, "phone", "7")])).values())) == 2


def test_a_value_that_too_many_share_links_nobody() -> None:
    crowd = [SourceUser("shop", str(number)) for number in range(SHARED_BY_AT_MOST + 1)]
    found = customers(resolve(clue(user, 1, "phone", "+1 help desk") for user in crowd))
    assert len(set(found.values())) == len(crowd)


clues = st.lists(
    st.builds(
        clue,
        st.builds(SourceUser, st.sampled_from(["shop", "marketplace"]), st.sampled_from("12345")),
        st.integers(0, 9),
        st.sampled_from(["email", "phone", "loyalty_number", None]),
        st.sampled_from("xyz"),
    ),
    max_size=30,
)


@given(clues, st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_gives_the_same_customers(known: list[Clue], random: object) -> None:
    again = [*known, *known[::3]]
    random.shuffle(again)  # type: ignore[attr-defined]
    assert resolve(again) == resolve(known)


@given(clues)
def test_a_customer_bears_the_id_of_its_oldest_source_user(known: list[Clue]) -> None:
    first = {}
    for one in sorted(known, key=lambda one: one.seen_at, reverse=True):
        first[one.user] = one.seen_at
    found = customers(resolve(known))
    for customer in set(found.values()):
        members = [user for user, of in found.items() if of == customer]
        assert customer == customer_id(min(members, key=lambda user: (first[user], user)))


@given(clues)
def test_every_link_points_into_the_same_customer(known: list[Clue]) -> None:
    identities = resolve(known)
    found = customers(identities)
    assert all(found[identity.linked_to] == identity.customer_id for identity in identities)
