"""`resolve` over a Parquet file of people: any columns, any gaps, and errors that name what is wrong."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transform.__main__ import main

PEOPLE: dict[str, list[Any]] = {
    "rec": ["a", "b", "c", "d"],
    "given": ["Margaret", "Peggy", "Oliver", "Oliver"],
    "surname": ["Featherstone", "Featherstone", "Quist", "Quist"],
    "born": ["1980-02-29", None, "19550712", "12/07/1955"],
    "number": [12, 12, 7, None],
    "road": ["Main Street", "Main St.", "Elm Road", "Elm Rd"],
}


def resolve(folder: Path, table: dict[str, list[Any]], columns: object, *options: str) -> int:
    pq.write_table(pa.table(table), folder / "people.parquet")
    (folder / "map.json").write_text(json.dumps(columns))
    files = {"--input": "people.parquet", "--columns": "map.json", "--output": "out.parquet"}
    named = [word for option, name in files.items() for word in (option, str(folder / name))]
    return main(["resolve", *named, *options])


COLUMNS = {"first_name": "given", "last_name": "surname", "birth_date": "born", "street": ["number", "road"]}


def test_records_of_one_person_get_one_cluster_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert resolve(tmp_path, PEOPLE, COLUMNS, "--id", "rec") == 0
    found = pq.read_table(tmp_path / "out.parquet").to_pydict()
    assert found["id"] == ["a", "b", "c", "d"]
    assert [found["cluster_id"].index(one) for one in found["cluster_id"]] == [0, 0, 2, 2]
    assert json.loads(capsys.readouterr().out) == {"records": 4, "clusters": 2}


def test_without_an_id_column_a_record_is_the_number_of_its_row(tmp_path: Path) -> None:
    assert resolve(tmp_path, PEOPLE, COLUMNS) == 0
    assert pq.read_table(tmp_path / "out.parquet")["id"].to_pylist() == [0, 1, 2, 3]


def test_dates_may_be_dates(tmp_path: Path) -> None:
    born = [date(1980, 2, 29), None, date(1955, 7, 12), date(1955, 7, 12)]
    assert resolve(tmp_path, {**PEOPLE, "born": born}, COLUMNS, "--id", "rec") == 0
    clusters = pq.read_table(tmp_path / "out.parquet")["cluster_id"].to_pylist()
    assert [clusters.index(one) for one in clusters] == [0, 0, 2, 2]


def test_an_empty_file_has_no_clusters(tmp_path: Path) -> None:
    empty = {name: pa.array([], pa.string()) for name in PEOPLE}
    assert resolve(tmp_path, empty, COLUMNS, "--id", "rec") == 0  # type: ignore[arg-type]
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


@pytest.mark.parametrize(
    ("columns", "options", "told"),
    [
        ({"shoe_size": "given"}, (), "'shoe_size' is no known attribute; known are first_name"),
        ({"first_name": "forename"}, (), "has no column forename"),
        ({"first_name": 7}, (), "first_name is neither a column's name nor a list of names"),
        ([], (), "is no object of attribute: column"),
        (COLUMNS, ("--id", "given"), "has a null or the same id twice"),
        (COLUMNS, ("--id", "number"), "has a null or the same id twice"),
    ],
)
def test_a_map_that_does_not_fit_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], columns: object, options: tuple[str, ...], told: str
) -> None:
    assert resolve(tmp_path, PEOPLE, columns, *options) == 2
    assert told in capsys.readouterr().err


def partition(folder: Path) -> set[frozenset[object]]:
    found = pq.read_table(folder / "out.parquet").to_pylist()
    return {frozenset(row["id"] for row in found if row["cluster_id"] == one["cluster_id"]) for one in found}


@pytest.mark.parametrize("name", ["id", "record_id"])
def test_the_map_may_name_the_id(tmp_path: Path, name: str) -> None:
    assert resolve(tmp_path, PEOPLE, {**COLUMNS, name: "rec"}) == 0
    assert partition(tmp_path) == {frozenset("ab"), frozenset("cd")}


def test_a_column_called_record_id_is_the_id(tmp_path: Path) -> None:
    assert resolve(tmp_path, {**PEOPLE, "record_id": ["w", "x", "y", "z"]}, COLUMNS) == 0
    assert partition(tmp_path) == {frozenset("wx"), frozenset("yz")}


def test_the_map_may_lead_from_columns_to_attributes(tmp_path: Path) -> None:
    turned = {"rec": "id", "given": "first_name", "surname": "last_name", "born": "birth_date", "road": "street"}
    assert resolve(tmp_path, PEOPLE, turned) == 0
    assert partition(tmp_path) == {frozenset("ab"), frozenset("cd")}


def test_an_attribute_may_be_null_in_the_map(tmp_path: Path) -> None:
    assert resolve(tmp_path, PEOPLE, {**COLUMNS, "email": None}, "--id", "rec") == 0


def test_neither_the_order_of_rows_nor_ids_play_a_part(tmp_path: Path) -> None:
    near = {"given": ["Ann", "Anna", "Ann", "Anne"] * 6, "surname": ["Lee", "Lee", "Leigh", "Li"] * 6}
    near["born"] = [f"19800{n % 5 + 1}1{n % 3}" for n in range(24)]
    columns = {"first_name": "given", "last_name": "surname", "birth_date": "born", "id": "rec"}
    assert resolve(tmp_path, {**near, "rec": list(range(24))}, columns) == 0
    before = partition(tmp_path)
    backwards = {name: values[::-1] for name, values in near.items()}
    assert resolve(tmp_path, {**backwards, "rec": [f"r{n}" for n in reversed(range(24))]}, columns) == 0
    assert partition(tmp_path) == {frozenset(f"r{id_}" for id_ in each) for each in before}


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert resolve(tmp_path, PEOPLE, COLUMNS, "--output", str(tmp_path / "none" / "out.parquet")) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_an_id_of_many_values_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert resolve(tmp_path, {**PEOPLE, "pair": [{"a": n} for n in range(4)]}, COLUMNS, "--id", "pair") == 2
    assert "name one of numbers or texts" in capsys.readouterr().err
