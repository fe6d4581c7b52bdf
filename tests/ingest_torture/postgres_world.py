"""PostgreSQL under torture: tables of one shape, with every change of every key remembered."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from ingest.settings import Settings
from ingest.tables import postgres_table
from ingest_builders import execute
from ingest_torture import lake_verdict
from ingest_torture.chains import Event, exact
from ingest_torture.own_database import own_database, release_slots
from ingest_torture.world import hashed
from psycopg2.extensions import connection, parse_dsn
from pydantic import SecretStr
from shopsphere_kit.settings import LakeSettings

# id, name, balance, note; a NaN has no place in a numeric(12,2) of bronze.
Row = tuple[int, str, str, str]
COPIED_ROWS, LATER_ROWS, LARGE_ROWS = 4_000, 2_000, 1_200
LARGE_NOTE = "long enough to be stored elsewhere "
_SHAPE = "(id bigint primary key, name text, balance numeric(12,2), note text)"
_RECORDED = """
    create table {0} {1}; alter table {0} alter column note set storage external; alter table {0} replica identity {2};
    insert into {0}
    select -n, 'first', case when n % 500 = 7 then 'NaN' else 1.50 end, 'n' from generate_series(1, {3}) n
"""


@dataclass
class _Table:
    """One table, its rows now, and by key what was done to it."""

    name: str
    identity: str
    rows: dict[int, Row] = field(default_factory=dict)
    history: dict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))

    def event(self, op: str, row: Row) -> Event:
        if op == "d" and self.identity == "default":
            return Event(op, None)  # the key alone is sent
        return Event(op, hashed(*row), row[2] == "NaN")

    def apply(self, op: str, row: Row) -> None:
        self.history[row[0]].append(self.event(op, row))
        if op == "d":
            del self.rows[row[0]]
        else:
            self.rows[row[0]] = row


class PostgresWorld:
    """See World."""

    def __init__(self, dsn: str, session: connection, server: str) -> None:
        self._dsn, self._session, self._server = dsn, session, server
        self._tables: dict[str, _Table] = {}
        self._number = 0
        self._truncated: list[str] = []
        self._scratched: list[str] = []
        self._make("people", "full", COPIED_ROWS)
        self._make("pets", "default", 300)
        execute(dsn, "create table quiet (id bigint primary key)", "create table scratch (id bigint primary key)")

    @property
    def _database(self) -> str:
        return str(parse_dsn(self._dsn)["dbname"])

    def variables(self) -> dict[str, str]:
        """See World."""
        return {
            "INGEST_SOURCES": '["postgres"]',
            "INGEST_POSTGRES_DSN": self._dsn,
            "INGEST_POSTGRES_SLOT": f"slot_{self._database}",
        }

    def settings(self, lake: LakeSettings) -> Settings:
        """See World."""
        slot = f"slot_{self._database}"
        return Settings(sources=["postgres"], postgres_dsn=SecretStr(self._dsn), postgres_slot=slot, lake=lake)

    def change(self, chance: random.Random) -> None:
        """See World; one transaction over two tables, now and then a large one, now and then rolled back."""
        done: list[tuple[_Table, str, Row]] = []
        with self._session.cursor() as cursor:
            if chance.random() < 0.01:
                done += self._large(cursor)
            for name in chance.sample(sorted({"people", "pets", [*self._tables][-1]}), 2):
                done += self._some(cursor, self._tables[name], chance)
            self._scratch(cursor, chance)
        if chance.random() < 0.1:
            self._session.rollback()
            return
        self._session.commit()
        self._truncated += self._scratched
        for table, op, row in done:
            table.apply(op, row)

    def grow(self) -> None:
        """See World; a table with rows."""
        self._make(f"later_{len(self._tables)}", "full", LATER_ROWS)

    def release(self) -> None:
        """See World."""
        release_slots(self._server, self._database)

    def problems(self, lake: LakeSettings) -> list[str]:
        """See World."""
        quarantine = lake_verdict.rows(lake, "quarantine")
        rejected = quarantine.to_pylist() if quarantine is not None else []
        found = [trouble for table in self._tables.values() for trouble in _wrong(table, lake, rejected)]
        scratch = lake_verdict.rows(lake, postgres_table("public", "scratch"))
        operations = [] if scratch is None else scratch.sort_by("_position")["_op"].to_pylist()
        streamed = [op for op in operations if op != "r"]
        if streamed != self._truncated[len(self._truncated) - len(streamed) :]:
            found.append(f"scratch: inserts and truncates are not as they were done: {streamed[-20:]}")
        if (quiet := lake_verdict.rows(lake, postgres_table("public", "quiet"))) is None or quiet.num_rows:
            found.append("quiet: an empty table has an empty table in bronze")
        return found

    def _make(self, name: str, identity: str, count: int) -> None:
        execute(self._dsn, _RECORDED.format(name, _SHAPE, identity, count))
        table = self._tables[name] = _Table(name, identity)
        for number in range(1, count + 1):
            table.apply("c", (-number, "first", "NaN" if number % 500 == 7 else "1.50", "n"))

    def _large(self, cursor: Any) -> list[tuple[_Table, str, Row]]:
        table = self._tables["people"]
        cursor.execute("update people set name = name || '+' where id between %s and -1", (-LARGE_ROWS,))
        touched = sorted((row for row in table.rows.values() if -LARGE_ROWS <= row[0] < 0), reverse=True)
        # Which of them the transaction changes first matters to nobody: each key has its own history.
        return [(table, "u", (row[0], row[1] + "+", *row[2:])) for row in touched]

    def _some(self, cursor: Any, table: _Table, chance: random.Random) -> list[tuple[_Table, str, Row]]:
        self._number += 1
        large = table.identity == "full" and chance.random() < 0.2
        balance = "NaN" if chance.random() < 0.03 else f"{self._number}.25"
        new = (self._number, f"naïve {self._number}", balance, LARGE_NOTE * 100 if large else "n")
        cursor.execute(f"insert into {table.name} values (%s, %s, %s, %s)", new)
        done = [(table, "c", new)]
        # Not the rows of a large update, which may be one of this transaction.
        least = -LARGE_ROWS if table.name == "people" else 0
        others = chance.sample([key for key in table.rows if not least <= key < 0], 2)
        done += self._update(cursor, table, table.rows[others[0]])
        if chance.random() < 0.5:
            cursor.execute(f"delete from {table.name} where id = %s", (others[1],))
            done.append((table, "d", table.rows[others[1]]))
        elif chance.random() < 0.2:
            done += self._rekey(cursor, table, table.rows[others[1]])
        return done

    def _update(self, cursor: Any, table: _Table, row: Row) -> list[tuple[_Table, str, Row]]:
        name = f"changed {self._number}"
        cursor.execute(f"update {table.name} set name = %s where id = %s", (name, row[0]))
        return [(table, "u", (row[0], name, *row[2:]))]

    def _rekey(self, cursor: Any, table: _Table, row: Row) -> list[tuple[_Table, str, Row]]:
        self._number += 1
        cursor.execute(f"update {table.name} set id = %s where id = %s", (self._number, row[0]))
        return [(table, "d", row), (table, "c", (self._number, *row[1:]))]

    def _scratch(self, cursor: Any, chance: random.Random) -> None:
        cursor.execute("insert into scratch values (%s)", (self._number,))
        self._scratched = ["c"]
        if chance.random() < 0.05:
            cursor.execute("truncate scratch")
            self._scratched.append("t")


def _wrong(table: _Table, lake: LakeSettings, rejected: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    bronze = lake_verdict.rows(lake, postgres_table("public", table.name))
    if bronze is None:
        yield f"{table.name}: not in bronze"
        return
    found: dict[int, list[tuple[str, Event]]] = defaultdict(list)
    for row in bronze.select(["id", "name", "balance", "note", "_op", "_position"]).to_pylist():
        found[row["id"]].append(_found(table, row, row["_position"]))
    for record in rejected:
        if record["source"] == f"postgres:public.{table.name}":
            row = json.loads(record["value"])
            found[int(row["id"])].append(_found(table, row, record["position"], rejected=True))
    for key in sorted({*found, *table.history}):
        events = [event for _, event in sorted(found[key], key=lambda one: (one[1].op != "r", one[0]))]
        if trouble := exact(table.history[key], events):
            yield f"{table.name} {key}: {trouble}"


def _found(table: _Table, row: Mapping[str, Any], position: str, *, rejected: bool = False) -> tuple[str, Event]:
    if row["_op"] == "d" and table.identity == "default":
        return position, Event("d", None, rejected)
    return position, Event(row["_op"], hashed(int(row["id"]), row["name"], str(row["balance"]), row["note"]), rejected)


@contextmanager
def postgres_world(server: str) -> Iterator[PostgresWorld]:
    """A database of one run."""
    with own_database(server) as dsn, closing(psycopg2.connect(dsn)) as session:
        yield PostgresWorld(dsn, session, server)
