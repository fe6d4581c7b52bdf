"""Messages to batches: only complete transactions, each table from its own position on."""

from ingest.batch import Batch
from ingest.position import PostgresPosition
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
