"""The scanner finds a text wherever a lake may have it, also where deleting and expiring does not reach."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from erasure_builders import PeopleLake
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.expressions import EqualTo
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.settings import LakeSettings
from transform.scanner.canaries import Canaries
from transform.scanner.many_texts import ManyTexts, Sought

CANARY = "zoe.quell@secret.example"
OTHER = "somebody@else.example"


@pytest.fixture
def empty(lake_settings: LakeSettings) -> PeopleLake:
    return PeopleLake(lake_settings)


def places(people: PeopleLake, text: str = CANARY) -> set[str]:
    return {hit.where for hit in people.scan(text).hits}


def parquet(table: pa.Table, **options: object) -> Callable[[Path], None]:
    return lambda folder: pq.write_table(table, folder / "file.parquet", **options)  # type: ignore[arg-type]


def raw(name: str, content: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return write


PLAIN = pa.table({"email": [OTHER, CANARY]})
NESTED = pa.table({"n": [[{"a": [OTHER]}, {"a": [CANARY]}]]})
UNUSED = pa.table({"email": pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), pa.array([OTHER, CANARY]))})
NOTED = pa.table({"email": [OTHER]}).replace_schema_metadata({"note": CANARY})
ALIKE = pa.table({"email": [f"zoe.quell@secret.exampl{letter}" for letter in "abcdefgh"]})
NO_STATISTICS = {"write_statistics": False}


@pytest.mark.parametrize(
    ("write", "where"),
    [
        (parquet(PLAIN, use_dictionary=False, **NO_STATISTICS), "data page of email"),
        (parquet(PLAIN, compression="zstd", **NO_STATISTICS), "dictionary page of email"),
        (parquet(PLAIN, compression="gzip", data_page_version="2.0", **NO_STATISTICS), "dictionary page of email"),
        (parquet(PLAIN, compression="none"), "bytes"),
        (parquet(NESTED, **NO_STATISTICS), "dictionary page of n.list.element.a.list.element"),
        (parquet(UNUSED, **NO_STATISTICS), "dictionary page of email"),
        (parquet(PLAIN), "statistics of email"),
        (parquet(PLAIN, write_page_index=True), "page index of email"),
        (parquet(NOTED), "footer"),
        (
            parquet(
                ALIKE, use_dictionary=False, column_encoding="DELTA_BYTE_ARRAY", compression="none", **NO_STATISTICS
            ),
            "values of email",
        ),
        (raw("v1.gz.metadata.json", gzip.compress(json.dumps({"a": CANARY}).encode())), "unpacked bytes"),
        (raw("v1.metadata.json", json.dumps({CANARY: 1}).encode()), "JSON"),
        (raw("some.puffin", b"PFA1" + CANARY.encode()), "bytes"),
        (raw("odd", CANARY.upper().encode("utf-16-le")), "bytes"),
        (raw("odd", b"x" * (8 * 2**20 - 5) + CANARY.encode()), "bytes"),
        (raw("odd", base64.b64encode(b"?" + CANARY.encode() + b"!")), "bytes"),
        (raw("odd", CANARY.encode().hex().upper().encode()), "bytes"),
        (raw(CANARY, b"nothing"), "name"),
    ],
)
def test_a_text_is_found_in(empty: PeopleLake, write: Callable[[Path], None], where: str) -> None:
    write(empty.folder)
    assert where in places(empty)
    assert places(empty, "not." + OTHER) == set()


def test_letters_that_json_escapes_are_found_in_both_spellings(empty: PeopleLake) -> None:
    (empty.folder / "a").write_bytes(json.dumps({"name": "Zoë Quëll"}).encode())
    (empty.folder / "b").write_bytes(json.dumps({"name": "ZOË QUËLL"}, ensure_ascii=False).encode())
    assert {hit.file for hit in empty.scan("Zoë Quëll").hits} == {"a", "b"}


def test_sixteen_characters_of_it_in_the_bounds_of_a_manifest_are_a_find(empty: PeopleLake) -> None:
    written(empty, [CANARY])
    for file in empty.folder.rglob("*.parquet"):
        file.unlink()
    assert places(empty) == {"lower_bounds[1]", "upper_bounds[1]"}


def test_the_catalog_is_looked_into(empty: PeopleLake) -> None:
    empty.catalog.create_namespace("gold", {"owner": CANARY})
    assert {hit.file for hit in empty.scan(CANARY).hits} == {"catalog:iceberg_namespace_properties", "catalog:file"}


def written(people: PeopleLake, emails: list[str]) -> None:
    people.catalog.create_namespace("gold")
    rows = pa.table({"email": emails})
    people.catalog.create_table("gold.people", schema=rows.schema).append(rows)


def test_control_delete_and_expiry_of_pyiceberg_leave_what_the_scanner_finds(empty: PeopleLake) -> None:
    """If this fails, the scanner is blind, or PyIceberg removes files by now."""
    written(empty, [OTHER, CANARY])
    table = empty.catalog.load_table("gold.people")
    table.delete(EqualTo(term="email", value=CANARY))
    table.maintenance.expire_snapshots().by_ids([table.snapshots()[0].snapshot_id]).commit()
    now = empty.catalog.load_table("gold.people")
    assert now.scan().to_arrow()["email"].to_pylist() == [OTHER]
    assert len(now.snapshots()) == 1
    assert {"dictionary page of email", "upper_bounds[1]"} <= places(empty)


def test_the_same_lake_has_the_same_hash_and_a_find_changes_it(empty: PeopleLake) -> None:
    written(empty, [OTHER])
    before = empty.scan(CANARY)
    assert before.sha256 == empty.scan(CANARY).sha256
    (empty.folder / "new").write_bytes(CANARY.encode())
    assert empty.scan(CANARY).sha256 != before.sha256
    assert CANARY not in json.dumps(empty.scan(CANARY).as_json())


def test_damaged_files_are_searched_as_bytes_and_told_of(empty: PeopleLake) -> None:
    (empty.folder / "bad.parquet").write_bytes(b"PAR1" + CANARY.encode() + b"no footer")
    found = empty.scan(CANARY)
    assert {hit.where for hit in found.hits} == {"bytes"}
    assert found.notes.total() == 1


def test_a_text_that_would_be_found_by_chance_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="found by chance"):
        Canaries(["Ann"])


@given(
    content=st.binary(max_size=300),
    texts=st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=6),
    at=st.lists(st.integers(0, 300), max_size=6),
)
def test_many_texts_are_found_just_where_each_alone_is(content: bytes, texts: list[bytes], at: list[int]) -> None:
    for text, place in zip(texts, at, strict=False):
        content = content[:place] + text + content[place:]
    contents = [content, content[1:], b"", content.upper()]
    found = ManyTexts([Sought(number, text) for number, text in enumerate(texts)]).find(contents)
    assert found == [{number for number, text in enumerate(texts) if text.lower() in each.lower()} for each in contents]


def test_case_matters_where_it_is_told_to() -> None:
    index = ManyTexts([Sought(1, b"AbCdEfGh", cased=True), Sought(2, b"aBc", cased=True)])
    assert index.find([b"..AbCdEfGh", b"..abcdefgh", b"aBc"]) == [{1}, set(), {2}]
