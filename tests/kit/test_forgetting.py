"""What is left of the rows of people who were erased, and who they are."""

import json
import pickle

import pyarrow as pa
import pytest
from shopsphere_kit.forgetting import masked, mentions
from shopsphere_kit.suppression import EMAIL, PHONE, Mark, Suppressions, e164, entry, mark_of

KEY = b"k" * 32
FORGOTTEN = frozenset({Mark("shop", "1"), Mark("marketplace", "B-1"), Mark(EMAIL, "ann@shop.example")})


def test_an_entry_tells_nothing_without_the_key_and_is_known_with_it() -> None:
    known = Suppressions(KEY, [entry(KEY, Mark("shop", "1")), entry(KEY, Mark("key", "check"))])
    assert known.fits
    assert Mark("shop", "1") in known
    assert Mark("marketplace", "1") not in known
    assert not Suppressions(b"x" * 32, [entry(KEY, Mark("key", "check"))]).fits
    assert Mark("shop", "1") in pickle.loads(pickle.dumps(known))  # noqa: S301 - its own


@pytest.mark.parametrize(
    ("phone", "normal"),
    [("(212) 555-0187 x12", "+12125550187"), ("0044 20 7946 0000", "+442079460000"), ("555", ""), ("+1 2", "")],
)
def test_phones_are_compared_in_one_spelling(phone: str, normal: str) -> None:
    assert e164(phone) == normal
    assert mark_of(PHONE, phone) == (Mark(PHONE, normal) if normal else None)


def test_a_column_that_a_source_adds_later_goes_too() -> None:
    rows = pa.table({"user_id": [1, 2], "nickname": ["Annie", "Bob"], "_op": ["u", "u"], "updated_at": [1, 2]})
    assert masked("bronze_postgres__users", rows, FORGOTTEN).to_pylist() == [
        {"user_id": 1, "nickname": None, "_op": "u", "updated_at": 1},
        {"user_id": 2, "nickname": "Bob", "_op": "u", "updated_at": 2},
    ]


def test_numbers_of_a_document_that_is_cut_down_stay_as_they_were_written() -> None:
    document = (
        '{"buyer": {"buyer_id": "B-1", "name": "Ann"}, "items": [1.50, 1e400, 12345678901234567890], "gift": "x"}'
    )
    rows = masked("bronze_mongo__marketplace_orders", pa.table({"document": [document]}), FORGOTTEN)
    (cut,) = map(str, rows["document"].to_pylist())
    assert '"items": [1.50, 1e400, 12345678901234567890]' in cut
    assert json.loads(cut)["buyer"] == {"buyer_id": "B-1", "name": None}
    assert json.loads(cut)["gift"] is None


def test_whose_a_document_is_is_read_in_its_json_not_guessed() -> None:
    other = json.dumps({"note": {"buyer_id": "B-1"}, "buyer": {"buyer_id": "B-2", "name": "Bob"}})
    escaped = '{"buyer": {"buyer_id": "B\\u002d1", "name": "Ann"}}'
    rows = pa.table({"document": [other, escaped]})
    found = list(map(str, masked("bronze_mongo__marketplace_orders", rows, FORGOTTEN)["document"].to_pylist()))
    assert found[0] == other
    assert "Ann" not in found[1]


def test_rows_of_others_are_the_very_same_table() -> None:
    rows = pa.table({"user_id": [2, None], "email": ["b", None]})
    assert masked("bronze_postgres__users", rows, FORGOTTEN) is rows
    assert masked("bronze_postgres__users", rows, frozenset()) is rows


def test_poison_on_a_topic_that_names_somebody_forgotten_loses_its_bytes_alone() -> None:
    poison = [b'{"user_id": 1', b"\xff ANN@shop.example", b'{"user_id": 12', None]
    rows = pa.table({"key": pa.array([b"k"] * 4), "value": pa.array(poison), "_rejected": ["not_json"] * 4})
    found = masked("bronze_kafka__fraud_labels", rows, FORGOTTEN)
    assert found["value"].to_pylist() == [None, None, poison[2], None]
    assert found["key"].to_pylist() == [b"k"] * 4


@pytest.mark.parametrize(
    ("record", "names"),
    [
        (b'{"buyer": {"buyer_id": "B-1"}}', True),
        (b"\x02buyer_id\x00\x04\x00\x00\x00B-1\x00", True),
        (b"\x02buyer_id\x00\x05\x00\x00\x00B-12\x00", False),
        (b'{"user_id": "1"}', True),
        (b'{"user_id": 11}', False),
        ("", False),
        (None, False),
    ],
)
def test_a_record_names_a_person_in_json_or_bson(record: bytes | str | None, names: bool) -> None:
    assert mentions(record, FORGOTTEN) is names
