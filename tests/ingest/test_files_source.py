"""Bytes of a file to bronze rows: each as it came, and what cannot be read in quarantine."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from file_builders import TABLE, Shop, a_shop
from ingest.__main__ import main
from ingest.errors import FileRefused
from ingest.load_files import Request
from ingest.load_progress import LoadProgress
from ingest.sources import files, records
from ingest.sources.records import Form
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings


@pytest.fixture
def shop(lake_settings: LakeSettings, tmp_path: Path) -> Shop:
    return a_shop(lake_settings, tmp_path / "deliveries")


def test_every_value_is_the_text_of_the_file(shop: Shop) -> None:
    shop.write("a.csv", 'id,note,price\n007,,1.50\n 8 ,"say ""hi"", twice",1e3\n9,"two\r\nlines",NULL\n')
    assert shop.load().rows == 3
    assert [(row["id"], row["note"], row["price"]) for row in shop.rows()] == [
        ("007", "", "1.50"),
        (" 8 ", 'say "hi", twice', "1e3"),
        ("9", "two\r\nlines", "NULL"),
    ]


def test_exact_duplicates_stay_in_the_order_of_the_file(shop: Shop) -> None:
    lines = ["b", "a", "b", "b", "a"] * 40
    shop.write("a.csv", "letter\n" + "\n".join(lines))
    shop.load()
    assert shop.column("letter") == lines
    assert len(set(shop.column("_position"))) == len(lines)


def test_a_row_tells_its_file_its_content_and_when_that_was_written(shop: Shop) -> None:
    written = datetime(2010, 12, 1, 23, 59, 59, 123456, tzinfo=UTC)
    path = shop.write("2010/december.csv", "id\n1\n")
    os.utime(path, ns=(0, int(written.timestamp()) * 10**9 + 123456789))
    shop.pattern = "**/*.csv"
    shop.load()
    row = shop.rows()[0]
    assert (row["_source_file"], row["_committed_at"]) == ("2010/december.csv", written)
    assert row["_file_hash"] == hashlib.sha256(b"id\n1\n").hexdigest()
    assert str(row["_position"]).startswith(f"2010/december.csv@{str(row['_file_hash'])[:12]}/")
    data = open_catalog(shop.lake).load_table(f"bronze.{TABLE}").inspect.files()
    assert [str(path).count("_committed_at_day=2010-12-01") for path in data["file_path"].to_pylist()] == [1]


def test_line_ends_and_a_byte_order_mark_are_no_part_of_a_value(shop: Shop) -> None:
    shop.write("a.csv", b"\xef\xbb\xbfid,name\r\n1,x\r\n\r\n2,y")
    shop.load()
    assert [(row["id"], row["name"]) for row in shop.rows()] == [("1", "x"), ("2", "y")]


def test_an_empty_line_is_a_value_when_there_is_one_column(shop: Shop) -> None:
    shop.write("a.csv", "note\nfirst\n\nlast\n")
    shop.load()
    assert shop.column("note") == ["first", "", "last"]


def test_a_record_that_cannot_be_read_goes_to_quarantine_with_its_bytes(shop: Shop) -> None:
    shop.write("a.csv", b'id,name\n1,fine\n2\n3,a,"b\nc"\n4,\xff\n5,"x"y\n6,fine\n')
    outcome = shop.load()
    assert (outcome.rows, outcome.quarantined) == (2, 4)
    assert shop.column("id") == ["1", "6"]
    assert [(reason, position[-1], value) for reason, position, value in shop.quarantined()] == [
        ("wrong_number_of_fields", "2", b"2\n"),
        ("wrong_number_of_fields", "3", b'3,a,"b\nc"\n'),
        ("wrong_encoding", "4", b"4,\xff\n"),
        ("broken_quotes", "5", b'5,"x"y\n'),
    ]


def test_a_quote_that_is_never_closed_costs_its_own_line_alone(shop: Shop) -> None:
    shop.write("a.csv", 'id,name\n1,"open\n2,"closed"\n3,plain\n4,"open to the end\n')
    shop.load()
    assert shop.column("id") == ["2", "3"]
    assert [value for _, _, value in shop.quarantined()] == [b'1,"open\n', b'4,"open to the end\n']


def test_a_line_too_long_for_memory_is_kept_in_pieces(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RECORD_BYTES_MAX", 100)
    monkeypatch.setattr(files, "RECORD_BYTES_MAX", 100)
    long = b"1," + b"x" * 250 + b"\n"
    shop.write("a.csv", b"id,name\n" + long + b"2,short\n")
    shop.load()
    assert shop.column("id") == ["2"]
    assert {reason for reason, _, _ in shop.quarantined()} == {"record_too_large"}
    assert b"".join(bytes(value) for _, _, value in shop.quarantined()) == long  # type: ignore[call-overload]


def test_a_column_that_comes_later_is_null_before(shop: Shop) -> None:
    shop.write("a.csv", "id,name\n1,x\n")
    shop.write("b.csv", "colour,id\nred,2\n")
    shop.write("c.csv", "id,name\n3,z\n")
    shop.load()
    assert [(row["id"], row["name"], row["colour"]) for row in shop.rows()] == [
        ("1", "x", None),
        ("2", None, "red"),
        ("3", "z", None),
    ]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("id,Id", "twice"),
        ("id,", "empty"),
        ("id,_source_file", "adds"),
        ("id,_pos", "Iceberg keeps"),
        ("ID,more", "takes for the same"),
    ],
)
def test_a_header_that_makes_no_columns_refuses_the_file_and_takes_the_next(shop: Shop, header: str, told: str) -> None:
    shop.write("a.csv", "id\n1\n")
    shop.write("b.csv", f"{header}\n2,2\n")
    shop.write("c.csv", "id\n3\n")
    outcome = shop.load()
    assert (outcome.loaded, outcome.refused) == (2, 1)
    assert shop.column("id") == ["1", "3"]
    assert any("b.csv" in line and told in line for line in shop.told)


def test_encoding_and_delimiter_are_as_said(shop: Shop) -> None:
    shop.write("a.csv", "id;price\n1;£5,00\n".encode("latin-1"))
    shop.load(Request(TABLE, Form(encoding="latin-1", delimiter=";")))
    assert shop.column("price") == ["£5,00"]


def test_a_line_of_json_is_kept_whole(shop: Shop) -> None:
    lines = ['{"a": 1.10, "a": 2}', "  [1, 2]", '"ä"']
    shop.write("a.jsonl", "\n".join([*lines, "{broken", ""]))
    shop.pattern = "*.jsonl"
    shop.load(Request(TABLE, Form("jsonl")))
    assert shop.column("document") == lines
    assert [(reason, value) for reason, _, value in shop.quarantined()] == [("not_json", b"{broken\n")]


def test_a_file_that_changes_while_it_is_read_leaves_nothing(shop: Shop) -> None:
    path = shop.write("a.csv", "id\n1\n")
    seen = files.fingerprint(files.find(str(shop.folder / "*.csv"))[0])
    path.write_text("id\n2\n")
    with pytest.raises(FileRefused, match="changed while it was read"):
        list(files.Reading(seen, Form(), "files:shop").chunks())


def test_a_file_of_another_delimiter_is_refused_instead_of_filling_quarantine(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "REJECTED_MAX", 10)
    shop.write("a.csv", "id;note\n" + "1;a,b,c\n" * 11)
    assert shop.load().refused == 1
    assert "--delimiter" in shop.told[0]


def test_a_file_larger_than_a_chunk_is_one_commit(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIECE_BYTES", 500)
    shop.write("a.csv", "id\n" + "".join(f"{number}\n" for number in range(2_000)))
    shop.load(Request(TABLE, chunk_bytes=3_000))
    assert shop.column("id") == [str(number) for number in range(2_000)]
    assert shop.snapshots() == 1
    assert open_catalog(shop.lake).load_table(f"bronze.{TABLE}").inspect.files().num_rows > 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--table", "bronze_postgres__orders"], "bronze_files__"),
        (["--encoding", "utf-16"], "--encoding utf-16"),
        (["--encoding", "klingon"], "not known"),
        (["--delimiter", ";;"], "--delimiter"),
        (["--glob", "nowhere/*.csv"], "matches no file"),
    ],
)
def test_a_wrong_argument_is_named(
    shop: Shop, arguments: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write("a.csv", "id\n1\n")
    monkeypatch.setenv("SHOPSPHERE_LAKE_CATALOG_URI", shop.lake.catalog_uri)
    monkeypatch.setenv("SHOPSPHERE_LAKE_WAREHOUSE", shop.lake.warehouse)
    assert main(["files", "--glob", str(shop.folder / "*.csv"), "--table", TABLE, *arguments]) == 2
    assert told in capsys.readouterr().err


def test_names_of_columns_are_kept_whatever_signs_they_have(shop: Shop) -> None:
    names = ["Unit Price (£)", "a.b", "2010", "größe", "x/y", " padded "]
    shop.write("a.csv", ",".join(names) + "\n1,2,3,4,5,6\n")
    shop.load()
    row = shop.rows()[0]
    assert [row[name] for name in names] == ["1", "2", "3", "4", "5", "6"]


def test_progress_tells_files_rows_rate_and_the_time_that_is_left() -> None:
    moments, told = iter([0.0, 2.0, 2.0, 2.0]), list[str]()
    found = [files.FoundFile(name, Path(name), 500) for name in ("a.csv", "b.csv")]
    LoadProgress(found, told.append, lambda: next(moments)).done(found[0])
    assert told == ["1 of 2 files, 1 left, 0 rows, 0 rows/s, about 2 s left"]
