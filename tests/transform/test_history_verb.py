"""`python -m transform history`: any file of events, on the command line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from transform.__main__ import main


def events(folder: Path, *lines: object) -> str:
    path = folder / "events.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return str(path)


def answer(
    capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, list[dict[str, Any]], list[dict[str, Any]]]:
    code = main(["history", *arguments])
    printed = capsys.readouterr()
    return code, [*map(json.loads, printed.out.splitlines())], [*map(json.loads, printed.err.splitlines())]


def test_it_needs_no_settings_and_loads_no_spark(tmp_path: Path) -> None:
    script = "import sys; from transform.__main__ import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    file = events(tmp_path, {"id": 1, "seq": 1, "city": "Troy"})
    command = [sys.executable, "-c", script, "history", "--events", file, "--key", "id", "--sequence", "seq"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": ""})
    assert json.loads(done.stdout) == {"id": 1, "city": "Troy", "valid_from": 1, "end_date": None, "is_current": True}
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert loaded & {"pyspark", "py4j", "pyiceberg", "pandas", "pydantic"} == set()


def test_an_empty_file_is_a_valid_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "--events", events(tmp_path), "--key", "id", "--sequence", "seq") == (0, [], [])


def test_with_batches_the_answer_is_that_of_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = [
        {"id": 1, "seq": 1, "city": "Troy", "n": 2},
        {"id": 1, "seq": 9, "city": "Troy", "n": 1},
        {"id": 1, "seq": 5, "city": "Rome", "n": 3},
        {"id": 2, "seq": 5, "_op": "d", "n": 1},
        {"id": 2, "seq": 4, "city": "Oslo", "n": None},
    ]
    chosen = ["--events", events(tmp_path, *log), "--key", "id", "--sequence", "seq", "--track", "city"]
    _, batched, _ = answer(capsys, *chosen, "--batch", "n")
    _, whole, _ = answer(capsys, *chosen)
    assert batched == [{name: value for name, value in row.items() if name != "n"} for row in whole]
    assert [(row["city"], row["valid_from"], row["end_date"]) for row in batched] == [
        ("Troy", 1, 5),
        ("Rome", 5, 9),
        ("Troy", 9, None),
        ("Oslo", 4, 5),
    ]


def test_a_key_may_be_several_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = [{"shop": shop, "id": 1, "seq": 1, "city": shop} for shop in ("b", "a")]
    _, rows, _ = answer(capsys, "--events", events(tmp_path, *log), "--key", "shop,id", "--sequence", "seq")
    assert [(row["shop"], row["id"], row["city"]) for row in rows] == [("a", 1, "a"), ("b", 1, "b")]


def test_bad_lines_are_told_of_and_stop_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {"id": 1, "seq": 1, "city": "Troy"}
    bad = {
        '{"id": 1, "seq": 2': "not_json",
        '{"id": 1, "seq": NaN}': "not_json",
        "[1]": "not_an_object",
        '{"id": null, "seq": 2}': "null_key",
        '{"seq": 2}': "null_key",
        '{"id": 1, "seq": null}': "null_sequence",
        '{"id": 1}': "null_sequence",
        '{"id": 1, "seq": true}': "not_a_sequence",
        '{"id": 1, "seq": "soon"}': "not_a_sequence",
        '{"id": 1, "seq": "2026-13-01"}': "not_a_sequence",
        '{"id": 1, "seq": "2026-01-01"}': "mixed_sequence",
        '{"id": 1, "seq": 2, "_op": "x"}': "unknown_op",
        '{"id": 1, "seq": 2, "_op": ""}': "unknown_op",
        '{"id": 1, "seq": "20260101"}': "not_a_sequence",
        '{"id": 1, "seq": "2026-01-01T12.5"}': "not_a_sequence",
        '{"id": 1, "seq": 2, "end_date": 1}': "reserved_attribute",
        '{"id": 1, "seq": 2, "city": 1e9999999999999999999}': "not_json",
    }
    file = events(tmp_path, *bad, "", good)
    code, rows, quarantined = answer(capsys, "--events", file, "--key", "id", "--sequence", "seq")
    assert (code, [row["city"] for row in rows]) == (0, ["Troy"])
    assert [(one["line"], one["reason"], one["text"]) for one in quarantined] == [
        (number, reason, text) for number, (text, reason) in enumerate(bad.items(), start=1)
    ]


def test_an_op_that_is_null_sets_the_attributes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = events(tmp_path, {"id": 1, "seq": 1, "_op": None, "city": "Troy"})
    _, rows, quarantined = answer(capsys, "--events", file, "--key", "id", "--sequence", "seq")
    assert ([row["city"] for row in rows], quarantined) == (["Troy"], [])


def test_an_attribute_that_is_null_in_every_event_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = events(tmp_path, {"id": 1, "seq": 1, "city": None}, {"id": 2, "seq": 1})
    _, rows, _ = answer(capsys, "--events", file, "--key", "id", "--sequence", "seq")
    assert [row["city"] for row in rows] == [None, None]


def test_a_line_delivered_again_does_not_decide_which_kind_of_sequence_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moment = {"id": 1, "seq": "2026-01-01", "city": "Troy"}
    file = events(tmp_path, {"id": 1, "seq": 1, "city": "Rome"}, moment, moment)
    _, rows, quarantined = answer(capsys, "--events", file, "--key", "id", "--sequence", "seq")
    assert ([row["city"] for row in rows], [one["line"] for one in quarantined]) == (["Rome"], [2, 3])


@pytest.mark.parametrize("noon", ["2026-01-01T12", "20260101T120000Z", "2026-01-01 12:00 UTC", "2026-01-01T14:00+02"])
def test_a_moment_may_be_written_in_any_form_of_iso_8601(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], noon: str
) -> None:
    others = ({"id": 1, "seq": f"2026-01-01T{time}", "city": city} for time, city in (("11:59", "A"), ("12:01", "C")))
    file = events(tmp_path, *others, {"id": 1, "seq": noon, "city": "B"})
    _, rows, _ = answer(capsys, "--events", file, "--key", "id", "--sequence", "seq")
    assert [row["city"] for row in rows] == ["A", "B", "C"]


def test_a_byte_that_is_no_utf_8_spoils_its_own_line_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"id": 1, "seq": 1, "city": "Tr\xff"}\r\n{"id": 1, "seq": 2, "city": "Z\xc3\xbcrich"}\r\n')
    _, rows, quarantined = answer(capsys, "--events", str(path), "--key", "id", "--sequence", "seq")
    assert [row["city"] for row in rows] == ["Zürich"]
    assert [(one["line"], one["reason"]) for one in quarantined] == [(1, "not_json")]


def test_the_quarantine_may_be_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quarantine = tmp_path / "bad.jsonl"
    chosen = ["--events", events(tmp_path, "?"), "--key", "id", "--sequence", "seq", "--quarantine", str(quarantine)]
    assert answer(capsys, *chosen) == (0, [], [])
    assert json.loads(quarantine.read_text())["reason"] == "not_json"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--events", "nowhere.jsonl", "--key", "id", "--sequence", "seq"], 1, "--events nowhere.jsonl"),
        (["--events", "nowhere.jsonl", "--key", "seq", "--sequence", "seq"], 2, "one column twice"),
        (["--events", "nowhere.jsonl", "--key", "end_date", "--sequence", "seq"], 2, "rename it"),
    ],
)
def test_what_cannot_be_done_is_told(
    arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", *arguments]) == code
    assert told in capsys.readouterr().err
