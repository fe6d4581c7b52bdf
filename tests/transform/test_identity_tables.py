"""The resolver between Arrow tables: a change gives exactly the rows that a resolution of everything would."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_profiles import fewer
from identity_builders import ann, bob, record_sets
from pyspark.sql import DataFrame, SparkSession
from transform.identity import arrow
from transform.identity.explanation import as_text, explain
from transform.identity.records import Record
from transform.identity_changes import IDENTITIES, LINKS, RECORDS, identities_changed, links_changed
from transform.spec import Difference


def of_shop(records: list[Record]) -> list[Record]:
    return [Record(f"shop:{record.id}", record.seen_at, record.values) for record in records]


def applied(stored: pa.Table, changed: pa.Table, lost: pa.Table, *key: str) -> list[dict[str, object]]:
    """What a store holds after the rows were replaced, added and deleted by key, sorted by key."""
    rows = {tuple(row[name] for name in key): row for row in stored.to_pylist()}
    rows.update((tuple(row[name] for name in key), row) for row in changed.to_pylist())
    for row in lost.to_pylist():
        del rows[tuple(row[name] for name in key)]
    return [rows[at] for at in sorted(rows)]


@fewer(25)
@given(record_sets(), record_sets(), st.data())
def test_updating_what_is_stored_equals_resolving_everything(
    before: list[Record], after: list[Record], data: st.DataObject
) -> None:
    old = arrow.records_table(of_shop(before))
    links, identities = arrow.resolve(old)
    kept = {record.id: record for record in [*before, *after]}
    gone = data.draw(st.sets(st.sampled_from(sorted(kept))))
    removed = pa.table({"source": ["shop"] * len(gone), "source_user_id": sorted(gone)}, schema=arrow.USERS)
    fresh = [record for record in after if record.id not in gone]
    changed = arrow.update(old, links, arrow.records_table(of_shop(fresh)), removed)
    now = arrow.records_table(of_shop([record for id_, record in kept.items() if id_ not in gone]))
    all_links, all_identities = arrow.resolve(now)
    assert applied(links, changed.links, changed.lost_links, "record", "other") == all_links.to_pylist()
    found = applied(identities, changed.identities, changed.lost_identities, "source", "source_user_id")
    assert found == all_identities.to_pylist()


@fewer(25)
@given(record_sets())
def test_identities_follow_from_records_and_links(records: list[Record]) -> None:
    table = arrow.records_table(of_shop(records))
    links, identities = arrow.resolve(table)
    assert arrow.identities(table, links).to_pylist() == identities.to_pylist()


@pytest.mark.servers
def test_the_difference_a_run_writes_is_that_between_two_resolutions(spark: SparkSession) -> None:
    old = of_shop([ann("1"), ann("2", 1), bob("3", 2)])
    moved = of_shop([bob("2", 1)])
    tables = [arrow.records_table(old), arrow.records_table([old[0], *moved, old[2]])]
    links, identities = arrow.resolve(tables[0])
    stored = dict(zip((RECORDS, LINKS, IDENTITIES), (tables[0], links, identities), strict=True))
    frames = {name: spark.createDataFrame(table) for name, table in stored.items()}
    changed = Difference(
        frames[RECORDS].where("source_user_id = '2'"), spark.createDataFrame(arrow.records_table(moved))
    )

    looked_at: list[str] = []

    def read(name: str) -> DataFrame:
        looked_at.append(name)
        return frames[name]

    all_links, all_identities = arrow.resolve(tables[1])
    assert after(frames[LINKS], links_changed(read, changed)) == all_links.to_pylist()
    found = after(frames[IDENTITIES], identities_changed(read, changed))
    assert found == all_identities.cast(arrow.IDENTITIES).to_pylist()
    assert looked_at.count(RECORDS) == 1, "all records are read once for both tables"


def after(stored: DataFrame, changed: Difference) -> list[dict[str, object]]:
    """The rows of a table once a difference was carried out, in order."""
    return stored.exceptAll(changed.before).unionByName(changed.after).sort(*stored.columns[:2]).toArrow().to_pylist()


def test_no_records_have_no_links_and_no_identities() -> None:
    links, identities = arrow.resolve(arrow.records_table([]))
    assert (links.num_rows, identities.num_rows) == (0, 0)
    assert (links.schema, identities.schema) == (arrow.LINKS, arrow.IDENTITIES)


def test_a_link_is_explained_by_its_comparisons_and_the_way_that_leads_from_one_to_the_other() -> None:
    moved = ann("shop:2", 1, street="77 Elm Road", city="Rome", postal_code="13440", birth_date=None)
    renamed = ann("shop:3", 2, street="77 Elm Road", city="Rome", postal_code="13440", email=None, last_name="Huang")
    table = arrow.records_table([ann("shop:1"), moved, renamed])
    explained = explain(arrow.resolver(table, arrow.resolve(table)[0]), "shop:1", "shop:2")
    levels = {line.attribute: line.level for line in explained.lines}
    assert (levels["first_name"], levels["street"], levels["birth_date"]) == (
        "the same",
        "different",
        "not known of both",
    )
    assert explained.rule == "email"
    assert explained.way == ("shop:1", "shop:2")
    assert explained.weight >= explained.threshold
    sums = sum(line.stranger for line in explained.lines) + explained.stranger_prior + explained.address_correction
    assert explained.stranger == pytest.approx(sums, abs=0.01)
    text = as_text(explained)
    assert "one customer" in text
    assert "margaret" in text
