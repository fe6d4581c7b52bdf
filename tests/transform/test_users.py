"""users_scd and customer_identities, from rows of bronze."""

from datetime import date, timedelta

import pytest
from bronze_builders import Row, a_buyer, a_document, a_user, at, frame, moment
from fold_builders import folded, identified
from pyspark.sql import DataFrame, SparkSession
from transform import bronze
from transform.identity.records import customer_id
from transform.tables.users_scd import FOLD, person_changes, users_scd

pytestmark = pytest.mark.servers


def changes(spark: SparkSession, users: list[Row], documents: list[Row]) -> DataFrame:
    return judged_changes(frame(spark, bronze.USERS, users), frame(spark, bronze.MARKETPLACE_ORDERS, documents))


def judged_changes(users: DataFrame, documents: DataFrame) -> DataFrame:
    return person_changes(folded(FOLD, users, documents))


def histories(judged: DataFrame) -> list[Row]:
    rows = users_scd(judged, identified(judged)).orderBy("source", "source_user_id", "valid_from")
    return [
        row.asDict()
        for row in rows.selectExpr("*", "cast(valid_from as string) f", "cast(end_date as string) t").collect()
    ]


def test_an_update_of_a_user_opens_a_version_at_its_updated_at(spark: SparkSession) -> None:
    users = [
        a_user(1, city="Troy", updated_at=at(0), _op="r"),
        a_user(1, city="Rome", updated_at=at(3), _op="u"),
        a_user(1, city="Rome", updated_at=at(5), _op="u"),  # changes nothing: no version
    ]
    found = histories(changes(spark, users, []))
    assert [(row["city"], row["f"], row["t"]) for row in found] == [
        ("Troy", "2026-01-01 00:00:00", "2026-01-04 00:00:00"),
        ("Rome", "2026-01-04 00:00:00", None),
    ]


def test_a_deleted_user_ends_when_the_account_was_closed_or_else_when_the_delete_was_committed(
    spark: SparkSession,
) -> None:
    users = [
        a_user(1),
        a_user(1, closed_at=at(4), _op="d", _committed_at=at(5)),
        a_user(2),
        a_user(2, _op="d", _committed_at=at(6)),  # the old row does not know when it was closed
    ]
    found = histories(changes(spark, users, []))
    assert [(row["t"][:10], row["is_current"], row["is_deleted"]) for row in found] == [
        ("2026-01-05", False, True),
        ("2026-01-07", False, True),
    ]


def test_a_buyer_is_known_since_the_order_was_placed_and_a_change_of_status_adds_nothing(spark: SparkSession) -> None:
    documents = [
        a_document("MP-1", buyer=a_buyer(7, name="  Zoë van Dyk ")),
        a_document("MP-1", buyer=a_buyer(7, name="  Zoë van Dyk "), status="shipped", updated_at=moment(at(9))),
        a_document("MP-2", buyer=None),  # nobody is named: no user, and nothing to reject
    ]
    judged = changes(spark, [], documents)
    [row] = histories(judged)
    assert (row["source"], row["source_user_id"], row["first_name"], row["last_name"]) == (
        "marketplace",
        "B-7",
        "Zoë",
        "van Dyk",
    )
    assert (row["f"], row["t"], row["city"]) == ("2026-01-03 00:00:00", None, "Troy")
    assert judged.where("_failed is not null").count() == 0


def test_a_user_without_an_updated_at_is_rejected(spark: SparkSession) -> None:
    judged = changes(spark, [a_user(1, updated_at=None)], [])
    assert [(row["_failed"]["check"], row["_failed"]["column"]) for row in judged.collect()] == [
        ("present", "event_at")
    ]


def test_a_buyer_who_writes_the_same_address_differently_is_the_same_customer(spark: SparkSession) -> None:
    documents = [
        a_document("MP-1", buyer=a_buyer(1, email=" User1+market@SHOP.example", phone=None)),  # e-mail of user 1
        a_document(
            "MP-2", buyer=a_buyer(2, name="BO QUIST", email="two@x.example", phone="+1 (212) 555-0002")
        ),  # phone
        a_document(
            "MP-3", buyer=a_buyer(3, name="EVE ROSSI", email="three@x.example", phone="", address=None)
        ),  # nobody's
    ]
    other = a_user(2, first_name="Bo", last_name="Quist", birth_date=date(1955, 7, 12))
    judged = changes(spark, [a_user(1), other], documents)
    found = {row["source_user_id"]: row for row in identified(judged).collect()}
    assert [found[name]["evidence"] for name in ("1", "2", "B-1", "B-2", "B-3")] == [
        "self",
        "self",
        "email",
        "phone",
        "self",
    ]
    assert found["B-1"]["customer_id"] == found["1"]["customer_id"] == customer_id("shop:1")
    assert found["B-2"]["linked_to"] == "shop:2"


def test_a_user_links_by_an_address_given_up_long_ago(spark: SparkSession) -> None:
    users = [a_user(1, email="old@x.example"), a_user(1, email="new@x.example", updated_at=at(5), _op="u")]
    judged = changes(spark, users, [a_document(buyer=a_buyer(1, email="old@x.example"))])
    assert len({row["customer_id"] for row in identified(judged).collect()}) == 1


def test_the_order_in_which_bronze_got_the_changes_plays_no_part(spark: SparkSession) -> None:
    users = [a_user(1, city=city, updated_at=at(day)) for day, city in enumerate("abcab")] + [
        a_user(1, _op="d", closed_at=at(9))
    ]
    again = [*reversed(users), users[2]]
    assert histories(changes(spark, users, [])) == histories(changes(spark, again, []))


def test_a_truncate_forgets_the_users_before_it(spark: SparkSession) -> None:
    truncate = {"_op": "t", "_position": f"{10**9:016X}/00000000", "_committed_at": at(1) + timedelta(hours=1)}
    after = a_user(2, _position=f"{10**9 + 1:016X}/00000000")
    assert [row["source_user_id"] for row in histories(changes(spark, [a_user(1), truncate, after], []))] == ["2"]


def test_buyers_are_as_before_when_the_marketplace_was_copied_anew(spark: SparkSession) -> None:
    known = [a_document(f"MP-{number}", buyer=a_buyer(number)) for number in (1, 2)]
    place = "9999999999.0000000001"
    truncate = {"_op": "t", "_position": f"{place}/00000000", "_committed_at": at(5)}
    again = {**known[0], "_op": "r", "_position": f"{place}/00000001"}
    anew = changes(spark, [], [*known, truncate, again])
    assert histories(anew) == histories(changes(spark, [], known))
    assert len(histories(anew)) == 2


def test_a_user_deleted_and_made_again_in_one_transaction_exists(spark: SparkSession) -> None:
    users = [
        a_user(1, city="Troy", updated_at=at(0)),
        a_user(1, city="Troy", _op="d", _committed_at=at(6)),  # the commit's time
        a_user(1, city="Rome", updated_at=at(5), _committed_at=at(6)),  # now() is the transaction's start
    ]
    found = histories(changes(spark, users, []))
    assert [(row["city"], row["f"][:10], row["is_current"], row["is_deleted"]) for row in found] == [
        ("Troy", "2026-01-01", False, False),
        ("Rome", "2026-01-07", True, False),
    ]


def test_an_old_order_that_changes_its_status_does_not_bring_back_the_buyers_old_address(spark: SparkSession) -> None:
    first = a_buyer(7, email="old@x.example")
    documents = [
        a_document("MP-1", buyer=first),
        a_document("MP-2", buyer=a_buyer(7, email="new@x.example"), placed_at=moment(at(5))),
        a_document("MP-1", buyer=first, status="shipped", updated_at=moment(at(9))),
    ]
    found = histories(changes(spark, [], documents))
    assert [(row["email"], row["is_current"]) for row in found] == [("old@x.example", False), ("new@x.example", True)]


def test_the_first_known_version_begins_when_the_user_was_created(spark: SparkSession) -> None:
    users = [
        a_user(1, city="Troy", created_at=at(-9), updated_at=at(3), _op="r"),  # a shop that is copied as it stands
        a_user(1, city="Rome", created_at=at(-9), updated_at=at(4), _op="u"),
    ]
    found = histories(changes(spark, users, []))
    assert [(row["city"], row["f"][:10]) for row in found] == [("Troy", "2025-12-23"), ("Rome", "2026-01-05")]


def test_changes_of_users_with_an_absurd_time_are_rejected(spark: SparkSession) -> None:
    far = "timestamp'+12000-01-01 00:00:00'"
    users = frame(spark, bronze.USERS, [a_user(1), a_user(2), a_user(3), a_user(4)])
    spoiled = users.selectExpr(
        *(f"`{name}`" for name in users.columns if name not in {"created_at", "updated_at", "birth_date"}),
        f"if(user_id = 1, {far}, created_at) as created_at",
        f"if(user_id = 2, {far}, updated_at) as updated_at",
        "if(user_id = 3, date'+12000-01-01', birth_date) as birth_date",
    )
    judged = judged_changes(spoiled, frame(spark, bronze.MARKETPLACE_ORDERS))
    failing = judged.where("_failed is not null").select("source_user_id", "_failed.column").collect()
    assert dict(tuple(row) for row in failing) == {"1": "first_seen_at", "2": "event_at", "3": "birth_date"}
    assert [row["source_user_id"] for row in identified(judged).collect()] == ["4"]
