"""Forgetting a person in every snapshot of a lake, while everybody else's history stays as it was."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from bronze_builders import a_user, write_bronze
from erasure_builders import ANN, CUSTOMER, KEY, PeopleLake, ann, version
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import EqualTo
from pyspark.sql.types import ArrayType
from shopsphere_kit.errors import FailedPrecondition, InvalidArgument, NotFound
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.suppressed_people import SuppressedPeople
from shopsphere_kit.suppression import EMAIL, Mark
from transform import bronze, tables
from transform.erasure import receipts, references
from transform.erasure.person import Person
from transform.erasure.rules import rule_for
from transform.spec import Stored

# Of what the builders' Ann has, others have her name in two spellings, a street and a card as well.
SHARED = 4


@pytest.fixture
def people(lake_settings: LakeSettings) -> PeopleLake:
    made = PeopleLake(lake_settings)
    made.fill()
    return made


def test_no_byte_of_the_person_is_left_and_everybody_elses_rows_are_as_they_were_in_every_snapshot(
    people: PeopleLake,
) -> None:
    assert {hit.canary for hit in people.scan().hits} == set(range(1, len(ANN) + 1))
    before, references = people.history(), people.references()

    receipt = people.erase()

    assert people.scan().hits == set()
    assert people.history() == before
    assert people.references() == references
    assert receipt.is_complete
    assert receipt.scan is not None
    assert receipt.scan["hits"] == 0


def test_what_is_left_of_the_person_are_facts_under_the_id_of_the_source(people: PeopleLake) -> None:
    people.erase()
    users = [row for row in rows(people, bronze.USERS) if row["user_id"] == 1]
    assert [row["_op"] for row in users] == ["c", "u"]
    assert all(row["email"] is row["birth_date"] is row["marketing_consent"] is None for row in users)
    assert all(row["created_at"] and row["updated_at"] and row["_position"] for row in users)
    (order,) = [row for row in rows(people, bronze.ORDERS) if row["user_id"] == 1]
    assert (order["card_token"], order["status"], order["store_id"]) == (None, "completed", 1)
    (document,) = [
        json.loads(row["document"]) for row in rows(people, bronze.MARKETPLACE_ORDERS) if "B-1" in row["document"]
    ]
    assert {name for name, value in document["buyer"].items() if value is not None} == {"buyer_id"}
    assert document["payment"]["amount"] == {"$numberDecimal": "1.50"}
    assert document["items"][0]["sku"] == "P1"
    (customer,) = [row for row in rows(people, "gold.customer_360") if row["customer_id"] == CUSTOMER]
    assert (customer["emails"], customer["phones"], customer["source_users"], customer["email"]) == ([], [], [], None)
    records = {row["position"]: row for row in rows(people, "bronze.quarantine")}
    assert records["p1"]["value"] is records["p3"]["value"] is records["p3"]["detail"] is None
    assert records["p1"]["reason"] == "value_out_of_range"


def rows(people: PeopleLake, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = people.catalog.load_table(name).scan().to_arrow().to_pylist()
    return sorted(found, key=lambda row: str(row.get("_position")))


def test_duckdb_reads_every_old_snapshot(people: PeopleLake) -> None:
    people.erase()
    table = people.catalog.load_table(bronze.USERS)
    counts = []
    for snapshot in table.snapshots():
        files = [
            task.file.file_path.removeprefix("file://")
            for task in table.scan(snapshot_id=snapshot.snapshot_id).plan_files()
        ]
        counts.append(duckdb.execute("select count(*), count(email) from read_parquet(?)", [files]).fetchone())
    assert counts == [(3, 2), (4, 3), (6, 4)]


def test_a_filter_still_finds_rows_by_what_the_manifests_say_of_the_new_files(people: PeopleLake) -> None:
    people.erase()
    table = people.catalog.load_table("silver.users_scd")
    found = table.scan(row_filter=EqualTo(term="email", value="u2@shop.example")).to_arrow()
    assert found["source_user_id"].to_pylist() == ["2"]


def test_erasing_again_finds_nothing_to_do(people: PeopleLake) -> None:
    people.erase()
    names = {file.name: file.changed_at for file in people.warehouse.files()}
    again = people.erase()
    assert again.as_json()["tables"] == {}
    assert again.suppressed == 0
    assert {file.name: file.changed_at for file in people.warehouse.files()} == names


def test_the_receipt_is_kept_and_holds_nothing_personal(people: PeopleLake) -> None:
    receipt = people.erase(reference="ticket 7")
    receipts.keep(people.catalog, receipt)
    (kept,) = receipts.kept(people.catalog)
    assert kept["reference"] == "ticket 7"
    assert kept["tables"]["silver.identity_records"]["rows"] == 1
    assert kept["tables"]["bronze.bronze_postgres__users"] == {
        "rows": 2,
        "files_rewritten": 2,
        "manifests_rewritten": 2,
        "snapshots": 3,
        "files_deleted": kept["tables"]["bronze.bronze_postgres__users"]["files_deleted"],
    }
    assert not any(text.lower() in json.dumps(kept).lower() for text in ANN)
    assert people.scan().hits == set()


def test_values_that_others_have_too_stay_theirs(people: PeopleLake) -> None:
    write_bronze(people.catalog, bronze.USERS, [a_user(9, phone=ANN[3]), a_user(10, street=f"{ANN[6].lower()} 2")])
    receipt = people.erase()
    assert receipt.is_complete
    assert (receipt.values_shared, receipt.texts_not_sought) == (SHARED + 1, 1)
    assert [row["phone"] for row in rows(people, bronze.USERS) if row["user_id"] == 9] == [ANN[3]]
    hits = people.scan(ANN[3], ANN[6]).hits
    assert {hit.canary for hit in hits} == {1, 2}
    assert {hit.file.split("/")[1] for hit in hits} == {"bronze_postgres__users"}


def test_what_stands_inside_a_value_of_somebody_else_is_the_person_s_all_the_same(people: PeopleLake) -> None:
    write_bronze(people.catalog, bronze.USERS, [a_user(9, email=f"jo{ANN[0]}")])
    receipt = people.erase()
    assert receipt.is_complete
    assert (receipt.values_shared, receipt.texts_not_sought) == (SHARED, 1)
    emails = {row["user_id"]: row["email"] for row in rows(people, bronze.USERS)}
    assert (emails[1], emails[9]) == (None, f"jo{ANN[0]}")
    assert Mark(EMAIL, ANN[0].lower()) in SuppressedPeople(people.catalog, KEY).now()


class Stopped(BaseException):
    """Stands for a kill: nothing below catches it."""


WHO: dict[str, Any] = {"customers": (), "users": ("shop:1",)}


def test_killed_between_any_two_steps_the_next_run_finishes_it(tmp_path: Path) -> None:
    taken: list[str] = []
    small_lake(tmp_path / "all").erase(taken.append, **WHO)
    assert taken.count("exchanged") == 3
    for stop in range(len(taken)):
        people = small_lake(tmp_path / str(stop))
        before, left = people.history(), iter(range(stop))

        def step(_: str, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise Stopped

        with pytest.raises(Stopped):
            people.erase(step, **WHO)
        # In between, too, everybody reads every snapshot.
        assert people.history() == before
        people.erase(**WHO)
        assert people.scan().hits == set(), f"stopped at step {stop}, {taken[stop]}"
        assert people.history() == before
        assert list(people.warehouse.files("_erasing")) == []


def small_lake(folder: Path) -> PeopleLake:
    (folder / "warehouse").mkdir(parents=True)
    settings = LakeSettings(catalog_uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    made = PeopleLake(settings)
    made.fill_users()
    made.quarantine()
    made.write("silver.users_scd", [version(1, CUSTOMER), version(2, "C2")])
    return made


def test_killed_in_the_middle_of_deleting_the_next_run_deletes_the_rest(
    people: PeopleLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, delete, left = people.history(), people.warehouse.delete, 3

    def deleting(path: str) -> bool:
        nonlocal left
        left -= 1
        if left < 0:
            raise Stopped
        return delete(path)

    with monkeypatch.context() as patch:
        patch.setattr(people.warehouse, "delete", deleting)
        with pytest.raises(Stopped):
            people.erase()
    assert people.erase().files_finished > 0
    assert people.scan().hits == set()
    assert people.history() == before


def test_a_commit_that_comes_in_before_the_exchange_is_kept_and_its_rows_are_looked_at_too(
    people: PeopleLake,
) -> None:
    """Whichever table's turn it is: the last one is that of the users."""
    newcomers: list[int] = []

    def step(name: str) -> None:
        if name == "noted" and len(newcomers) < 12:
            newcomers.append(100 + len(newcomers))
            write_bronze(people.catalog, bronze.USERS, [ann(_op="u"), a_user(newcomers[-1])])

    people.erase(step)
    assert people.scan().hits == set()
    found = [row["user_id"] for row in rows(people, bronze.USERS)]
    assert [found.count(number) for number in newcomers] == [1] * len(newcomers)


def test_a_writer_that_planned_on_the_old_files_is_refused_and_may_try_again(people: PeopleLake) -> None:
    stale = people.catalog.load_table(bronze.USERS)
    people.erase()
    row = pa.Table.from_pylist([{"user_id": 5}], schema=pa.schema([("user_id", pa.int64())]))
    with pytest.raises((CommitFailedException, ValueError, FileNotFoundError)):
        stale.append(row)
    people.catalog.load_table(bronze.USERS).append(row)
    assert 5 in {found["user_id"] for found in rows(people, bronze.USERS)}


def test_what_delete_and_expiry_of_pyiceberg_leave_on_the_disk_goes_too(people: PeopleLake) -> None:
    table = people.catalog.load_table("gold.dim_users")
    table.delete(EqualTo(term="source_user_id", value="1"))
    last = people.catalog.load_table("gold.dim_users")
    last.maintenance.expire_snapshots().by_ids([last.snapshots()[0].snapshot_id]).commit()
    assert any(hit.file.startswith("gold/dim_users") for hit in people.scan().hits)
    people.erase()
    assert people.scan().hits == set()


def test_a_young_file_that_no_table_names_is_left_and_told_of(people: PeopleLake) -> None:
    users = people.catalog.load_table(bronze.USERS)
    stray = people.folder / "bronze" / "bronze_postgres__users" / "data" / "stray.parquet"
    (file, *_) = [
        task.file.file_path.removeprefix("file://")
        for task in users.scan(snapshot_id=users.snapshots()[0].snapshot_id).plan_files()
    ]
    stray.write_bytes(Path(file).read_bytes())
    young = people.erase(orphan_age=timedelta(days=1))
    assert (young.orphans_left, young.is_complete) == (1, False)
    assert people.erase().orphans_removed == 1
    assert people.scan().hits == set()


def test_the_suppression_knows_the_users_and_how_to_reach_them_and_needs_its_key(people: PeopleLake) -> None:
    people.erase()
    known = SuppressedPeople(people.catalog, KEY).now()
    assert Mark("shop", "1") in known
    assert Mark("marketplace", "B-1") in known
    assert Mark(EMAIL, ANN[2]) in known
    assert Mark("shop", "2") not in known
    for key in (None, b"x" * 32):
        with pytest.raises(FailedPrecondition, match="SHOPSPHERE_SUPPRESSION_KEY_FILE"):
            SuppressedPeople(people.catalog, key).now()


def test_nobody_is_erased_by_a_guess(people: PeopleLake) -> None:
    with pytest.raises(NotFound, match="no release knows a customer C404"):
        people.erase(customers=("C404",))
    with pytest.raises(InvalidArgument, match="shop:ID"):
        people.erase(customers=(), users=("till:1",))


@pytest.mark.parametrize(
    "table", [table for table in (*tables.FOLDS, *tables.TABLES) if table.personal], ids=lambda table: table.name
)
def test_every_table_with_personal_columns_tells_whose_a_row_is_and_can_do_without_them(table: Stored) -> None:
    who = Person(frozenset({Mark("shop", "1")}))
    rule = rule_for(table.name, table.schema.names, (), table, who)
    assert rule is not None
    assert set(rule.alters) == set(table.personal)
    must = [name for name in table.personal if not table.schema[name].nullable]
    assert all(isinstance(table.schema[name].dataType, ArrayType) for name in must), "only a list can be an empty one"


def test_a_table_with_files_of_deleted_rows_is_refused_rather_than_broken(
    people: PeopleLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    named_by = references.named_by

    def with_deletes(*given: Any) -> references.Names:
        return replace(named_by(*given), row_deletes={"deletes.parquet"})

    monkeypatch.setattr(references, "named_by", with_deletes)
    with pytest.raises(FailedPrecondition, match="merge-on-read"):
        people.erase()
