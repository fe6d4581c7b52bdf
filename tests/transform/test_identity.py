"""Who is who, case by case: one person's records are joined, and different people are kept apart."""

from datetime import timedelta
from typing import Any

import pytest
from identity_builders import ANN, DAY_0, a_record, ann, clusters
from transform.identity.records import Record, customer_id
from transform.identity.resolver import resolve
from transform.identity.scoring import SHARED_BY_AT_MOST

TOGETHER = {frozenset({"shop:1", "shop:2"})}
APART = {frozenset({"shop:1"}), frozenset({"shop:2"})}
NO_CONTACTS: dict[str, Any] = {"email": None, "phone": None}


def test_a_record_that_shares_nothing_is_a_customer_alone() -> None:
    [identity] = resolve([ann("shop:1")])
    assert (identity.customer_id, identity.evidence, identity.linked_to) == (customer_id("shop:1"), "self", "shop:1")


@pytest.mark.parametrize("kind", ["email", "phone", "loyalty_number"])
def test_records_that_share_an_identifier_and_contradict_in_nothing_are_one_customer(kind: str) -> None:
    value = "5185550199" if kind == "phone" else "x9@y.example"
    found = resolve(
        [a_record("shop:1", 5, **dict[str, Any]({kind: value})), a_record("shop:2", 2, **dict[str, Any]({kind: value}))]
    )
    assert [(one.customer_id, one.evidence) for one in found] == [
        (customer_id("shop:2"), kind),
        (customer_id("shop:2"), "self"),
    ]


@pytest.mark.parametrize(
    "different",
    [
        {"first_name": "Peggy"},  # a nickname
        {"first_name": "Margarte"},  # letters exchanged
        {"first_name": "Featherstone", "last_name": "Margaret"},  # names in each other's place
        {"birth_date": None},
        {"birth_date": "1980-02-28"},  # a digit off
        {"street": "77 Elm Road", "city": "Rome", "postal_code": "13440"},  # moved
        {"street": "12 Main St.", "city": "TROY"},
        {"last_name": "Huang"},  # married
        {"first_name": "M."},
        {"birth_date": None, "street": "12 Mian Street", "first_name": "Maggie"},
    ],
)
def test_records_of_one_person_are_joined_without_a_shared_contact(different: dict[str, Any]) -> None:
    assert clusters(resolve([ann("shop:1"), ann("shop:2", **dict[str, Any]({**NO_CONTACTS, **different}))])) == TOGETHER


@pytest.mark.parametrize(
    "different",
    [
        {"first_name": "Henry", "birth_date": "1977-06-11"},  # the husband
        {"first_name": "Rosalind", "birth_date": "1980-02-29"},  # the twin
        {"birth_date": "2004-07-15"},  # a child of the same name
        {"first_name": "Henry", "birth_date": None},
    ],
)
def test_people_of_one_household_are_kept_apart(different: dict[str, Any]) -> None:
    household = [ann("shop:1"), ann("shop:2", email="other@shop.example", **different)]
    # Others at one address tell that here people live together.
    neighbours = [
        a_record(
            f"n:{number}",
            first_name=first,
            last_name=last,
            birth_date=born,
            street=f"{number // 2} Elm Road",
            city="Troy",
        )
        for number, (first, last, born) in enumerate(
            (first, last, f"19{50 + 2 * year + wife}-0{1 + year}-{11 + 5 * wife + year}")
            for year, last in enumerate(["Adams", "Brown", "Clark", "Davis", "Evans", "Frank", "Ghosh", "Hills"])
            for wife, first in enumerate(("Oliver", "Harriet"))
        )
    ]
    found = clusters(resolve([*household, *neighbours]))
    assert found >= APART
    assert len(found) == len(household) + len(neighbours)


def test_namesakes_in_different_towns_are_not_one_customer() -> None:
    smith: dict[str, Any] = {"first_name": "John", "last_name": "Smith"}
    others = [a_record(f"n:{n}", **smith, birth_date=f"19{n + 20}-01-02", city=f"Town {n}") for n in range(60)]
    found = clusters(
        resolve([a_record("shop:1", **smith, city="Troy"), a_record("shop:2", **smith, city="Rome"), *others])
    )
    assert found >= APART


def test_a_telephone_that_a_village_shares_joins_nobody() -> None:
    village = [a_record(f"shop:{number}", phone="5185550100") for number in range(SHARED_BY_AT_MOST + 1)]
    assert len(clusters(resolve(village))) == len(village)


def test_a_household_telephone_does_not_join_people_of_different_names() -> None:
    shared: dict[str, Any] = {"phone": "5185550100"}
    found = resolve(
        [a_record("shop:1", first_name="Oliver", **shared), a_record("shop:2", first_name="Harriet", **shared)]
    )
    assert clusters(found) == APART


def test_a_bridge_joins_two_customers_and_its_removal_splits_them() -> None:
    ends = [a_record("shop:1", email="a@x.example"), a_record("shop:2", 1, phone="5185550100")]
    bridge = a_record("shop:3", 2, email="a@x.example", phone="5185550100")
    assert clusters(resolve([*ends, bridge])) == {frozenset({"shop:1", "shop:2", "shop:3"})}
    assert clusters(resolve(ends)) == APART


def test_a_merge_is_logged_with_the_customer_that_the_record_was_before() -> None:
    ends = [a_record("shop:1", 0, email="a@x.example"), a_record("shop:2", 1, phone="5185550100")]
    bridge = a_record("shop:3", 2, email="a@x.example", phone="5185550100")
    former = {one.id: one.former_customer_ids for one in resolve([*ends, bridge])}
    assert former == {"shop:1": (), "shop:2": (customer_id("shop:2"),), "shop:3": ()}


def test_a_chain_through_a_record_that_knows_little_is_cut_between_people_who_contradict() -> None:
    shared: dict[str, Any] = {"phone": "5185550100"}
    husband = a_record("shop:1", 0, first_name="Oliver", birth_date="1950-05-05", **shared)
    wife = a_record("shop:2", 1, first_name="Harriet", birth_date="1952-09-17", **shared)
    someone = a_record("shop:3", 2, **shared)
    found = resolve([husband, wife, someone])
    assert len(clusters(found)) > 1
    assert {one.id: one.customer_id for one in found}["shop:2"] != customer_id("shop:1")
    assert {one.split_from for one in found if one.customer_id != customer_id("shop:1")} == {customer_id("shop:1")}


def test_the_link_says_what_is_shared_with_whom_since_both_are_known() -> None:
    found = resolve([a_record("shop:1", 1, phone="5185550100"), a_record("shop:2", 4, phone="5185550100")])
    linked = next(one for one in found if one.id == "shop:2")
    assert (linked.evidence, linked.linked_to, linked.linked_at) == ("phone", "shop:1", DAY_0 + timedelta(days=4))


def test_the_strongest_rule_is_told() -> None:
    shared: dict[str, Any] = {"phone": "5185550100", "loyalty_number": "L7", "email": "a@x.example"}
    found = resolve([a_record("shop:1", 1, **shared), a_record("shop:2", 2, **shared)])
    assert [one.evidence for one in found] == ["self", "loyalty_number"]


def test_a_person_keeps_what_all_versions_of_a_record_said() -> None:
    moved = ann("shop:1", street=["12 Main Street", "77 Elm Road"], phone=["5185550112", "5185550999"], email=None)
    assert clusters(resolve([moved, a_record("shop:2", first_name="Margaret", phone="5185550999")])) == TOGETHER


def test_the_same_value_of_another_kind_links_nobody() -> None:
    one, other = a_record("shop:1", email="5185550100@x.example"), a_record("shop:2", phone="5185550100")
    assert clusters(resolve([one, other])) == APART


def test_exact_copies_are_one_customer_however_many() -> None:
    copies: list[Record] = [ann(f"shop:{number}") for number in range(60)]
    assert len(clusters(resolve(copies))) == 1


def test_an_attribute_that_is_not_known_is_refused() -> None:
    with pytest.raises(KeyError, match="shoe_size"):
        a_record("shop:1", **dict[str, Any]({**ANN, "shoe_size": "43"}))
