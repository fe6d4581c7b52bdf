"""Messages to batches: only complete transactions, each table from its own position on."""

from ingest.batch import Batch
from ingest.position import PostgresPosition, Span
from ingest.sources.transactions import Transactions
from ingest_builders import a_begin, a_commit, a_delete, a_relation, an_insert, an_update

INT8, TEXT = 20, 25
PEOPLE, PETS = (
    a_relation(1, "people", ("id", INT8), ("name", TEXT)),
    a_relation(2, "pets", ("id", INT8), ("name", TEXT)),
)
PEOPLE_TABLE = "bronze_postgres__people"
KEYS = {PEOPLE_TABLE: ["id"], "bronze_postgres__pets": ["id"]}


def fed(*messages: bytes, skip: int = 0) -> Transactions:
    transactions = Transactions(KEYS)
    transactions.start_at(PEOPLE_TABLE, PostgresPosition(skip))
    for message in messages:
        transactions.accept(message)
    return transactions


def rows(batch: Batch) -> list[tuple[object, ...]]:
    return [
        (row["_op"], row["id"], row["name"], row["_position"])
        for chunk in batch.chunks
        for row in chunk.rows.to_pylist()
    ]


def test_nothing_comes_out_before_the_commit() -> None:
    transactions = fed(a_begin(100), PEOPLE, an_insert(1, "1", "Ada"))
    assert transactions.in_progress
    assert transactions.take() == []
    transactions.accept(a_commit(100, 148))
    (batch,) = transactions.take()
    assert rows(batch) == [("c", 1, "Ada", f"{100:016X}/00000000")]
    assert batch.position == PostgresPosition(148)


def test_a_row_is_numbered_within_its_transaction_across_tables() -> None:
    people, pets = fed(
        a_begin(100), PEOPLE, an_insert(1, "1", "Ada"), PETS, an_insert(2, "7", "Rex"), a_commit(100, 148)
    ).take()
    assert [str(row[3])[-1] for row in rows(people) + rows(pets)] == ["0", "2"]
    assert people.position == pets.position


def test_a_table_skips_what_it_already_has() -> None:
    before = fed(a_begin(100), PEOPLE, an_insert(1, "1", "Ada"), a_commit(100, 148), skip=148)
    assert before.take() == []
    at = fed(a_begin(148), PEOPLE, an_insert(1, "1", "Ada"), a_commit(148, 200), skip=148)
    assert len(at.take()) == 1


def test_another_key_is_a_delete_and_a_create() -> None:
    (batch,) = fed(a_begin(100), PEOPLE, an_update(1, ("1", "Ada"), ("2", "Ada")), a_commit(100, 148)).take()
    assert [row[:3] for row in rows(batch)] == [("d", 1, "Ada"), ("c", 2, "Ada")]


def test_a_value_that_was_not_sent_comes_from_the_old_row() -> None:
    (batch,) = fed(a_begin(100), PEOPLE, an_update(1, ("1", "Ada"), ("1", "…")), a_commit(100, 148)).take()
    assert [row[:3] for row in rows(batch)] == [("u", 1, "Ada")]


def test_a_value_that_nobody_sent_is_marked_and_not_taken_for_null() -> None:
    (batch,) = fed(a_begin(100), PEOPLE, an_update(1, (), ("1", "…")), a_commit(100, 148)).take()
    (chunk,) = batch.chunks
    (row,) = chunk.rows.to_pylist()
    assert (row["_op"], row["name"], row["_unchanged"]) == ("u", None, '["name"]')


def test_a_delete_carries_the_old_row() -> None:
    (batch,) = fed(a_begin(100), PEOPLE, a_delete(1, "1", "Ada"), a_commit(100, 148)).take()
    assert [row[:3] for row in rows(batch)] == [("d", 1, "Ada")]


def test_new_columns_start_a_new_chunk() -> None:
    wider = a_relation(1, "people", ("id", INT8), ("name", TEXT), ("age", INT8))
    (batch,) = fed(
        *(a_begin(100), PEOPLE, an_insert(1, "1", "Ada"), a_commit(100, 148)),
        *(a_begin(200), wider, an_insert(1, "2", "Grace", "85"), a_commit(200, 248)),
    ).take()
    assert [chunk.rows.schema.names[:3] for chunk in batch.chunks] == [["id", "name", "_op"], ["id", "name", "age"]]


def test_a_truncate_is_a_row_without_values() -> None:
    emptied = b"T" + (1).to_bytes(4, "big") + b"\0" + (1).to_bytes(4, "big")
    (batch,) = fed(a_begin(100), PEOPLE, an_insert(1, "1", "Ada"), emptied, a_commit(100, 148)).take()
    assert sorted(rows(batch), key=lambda row: str(row[3])) == [
        ("c", 1, "Ada", f"{100:016X}/00000000"),
        ("t", None, None, f"{100:016X}/00000002"),
    ]


def test_parts_of_a_large_transaction_have_no_position_until_it_is_whole() -> None:
    transactions = fed(*whole(100, 148, an_insert(1, "1", "Ada")), a_begin(200), an_insert(1, "2", "Bo"))
    before, part = transactions.take(parts=True)
    assert (rows(before)[0][1], before.position) == (1, PostgresPosition(148))
    assert (rows(part)[0][1], part.position) == (2, None)
    transactions.accept(an_insert(1, "3", "Cy"))
    assert transactions.take() == []
    transactions.accept(a_commit(200, 248))
    (last,) = transactions.take()
    assert ([row[1] for row in rows(last)], last.position) == ([3], PostgresPosition(248))


def test_a_position_follows_parts_even_when_no_row_is_left() -> None:
    transactions = fed(PEOPLE, a_begin(200), an_insert(1, "2", "Bo"))
    assert len(transactions.take(parts=True)) == 1
    transactions.accept(a_commit(200, 248))
    (last,) = transactions.take()
    assert (rows(last), last.position) == ([], PostgresPosition(248))
    assert transactions.take() == []


def test_what_waits_is_counted_until_it_leaves() -> None:
    transactions = fed(*whole(100, 148, an_insert(1, "1", "Ada")), a_begin(200), an_insert(1, "2", "Bo"))
    assert transactions.waiting_rows == 2
    transactions.take()
    assert transactions.waiting_rows == 1
    transactions.take(parts=True)
    assert (transactions.waiting_rows, transactions.waiting_bytes) == (0, 0)


def test_changes_that_a_later_span_of_the_copy_has_already_are_left_out() -> None:
    transactions = Transactions(KEYS)
    transactions.start_at(PEOPLE_TABLE, PostgresPosition(100, (Span(100, ("5",)), Span(200, None))))
    messages = [an_insert(1, "5", "in the first"), an_insert(1, "10", "in the second")]
    for message in (*whole(150, 180, *messages), *whole(200, 248, *messages)):
        transactions.accept(message)
    (batch,) = transactions.take()
    assert [(row[1], str(row[3])[13:16]) for row in rows(batch)] == [(5, "096"), (5, "0C8"), (10, "0C8")]
    assert batch.position == PostgresPosition(248)


def test_the_spans_stay_until_the_stream_has_passed_the_last_of_them() -> None:
    transactions = Transactions(KEYS)
    spans = (Span(100, ("5",)), Span(200, None))
    transactions.start_at(PEOPLE_TABLE, PostgresPosition(100, spans))
    for message in whole(150, 180, an_insert(1, "5", "in the first")):
        transactions.accept(message)
    (batch,) = transactions.take()
    assert batch.position == PostgresPosition(180, spans)


def whole(lsn: int, end: int, *messages: bytes) -> list[bytes]:
    return [a_begin(lsn), PEOPLE, *messages, a_commit(lsn, end)]
