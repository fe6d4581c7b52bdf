"""Claim: changes are decoded and committed at 60,000 rows a second, beside what a reader that throws them away takes.

A backlog of transactions of 1 to 1,000 rows over the shop's orders, order_items and users (REPLICA IDENTITY FULL) lies
behind a slot, of which every round gets a copy. Ours: `python -m ingest run` with its default settings, from the moment
its slot becomes active until all rows are in bronze; the start of the process and its imports are before that. The
other side, the ceiling: `pg_recvlogical` into /dev/null, from the same moment until it has reached the end of the
backlog. CHANGES=20000 tries it with less.
"""

import os
import statistics
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import shopsphere_local
from frame import alternate, number, report
from ingest_lake import Lake
from ingest_servers import Servers, drop_slot, execute, from_environment, postgres_tool, row, servers
from measured_process import MeasuredProcess, measured_process
from psycopg2 import connect
from psycopg2.extensions import parse_dsn
from shopsphere_kit.waiting import wait_until

GOAL = 60_000
TABLES = ("users", "orders", "order_items")
PUBLICATION, SLOT, KEPT_SLOT = "shopsphere", "shopsphere_ingest", "bench_backlog"
SHOP = Path(shopsphere_local.__file__).parent / "journey" / "shop.sql"
BACKLOG = Path(__file__).parents[1] / "ingest_backlog.sql"


@dataclass
class Backlog:
    """The server with the backlog, and the lake as it was before it."""

    server: Servers
    lake: Lake
    end: str = ""
    expected: dict[str, int] = field(default_factory=dict)
    costs: list[float] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """How many rows the backlog brings."""
        return sum(self.expected.values())

    def prepare(self, changes: int) -> None:
        """Let ingest make its slot and its tables, stop it, keep both as they are, and make the backlog."""
        execute(self.server.dsn, SHOP.read_text(), BACKLOG.read_text())
        with self._ingest() as process:
            self.lake.wait_for_rows({_bronze(table): 0 for table in TABLES}, process)
            assert process.stop().cpu_seconds, process.log_tail()
        self._copy_slot(SLOT, KEPT_SLOT)
        self.lake.keep()
        execute(self.server.dsn, "select setseed(0.5)", f"call make_backlog({changes})")
        for table in TABLES:
            query = f"select sum(changes) from backlog where relation = '{table}'"  # noqa: S608
            self.expected[_bronze(table)] = int(row(self.server.dsn, query)[0])
        self.end = str(row(self.server.dsn, "select pg_current_wal_flush_lsn()")[0])

    def ours(self) -> float:
        """Rows per second of ingest."""
        drop_slot(self.server.dsn, SLOT)
        self._copy_slot(KEPT_SLOT, SLOT)
        self.lake.restore()
        with self._ingest() as process:
            started = self._wait_for_reader(SLOT, process)
            before = process.cpu_seconds()
            self.lake.wait_for_rows(self.expected, process)
            seconds, cpu = time.perf_counter() - started, process.cpu_seconds() - before
            process.stop()
        assert process.exit_code == 0, process.log_tail()
        self.costs.append(cpu)
        print(
            f"  ours: {seconds:.2f} s, {cpu:.2f} CPU-seconds ({self.changes / cpu:,.0f} rows per CPU-second)",
            flush=True,
        )
        return self.changes / seconds

    def bare(self) -> float:
        """Rows per second of a reader that throws them away."""
        self._copy_slot(KEPT_SLOT, "bench_bare")
        given = parse_dsn(self.server.dsn)
        env = {"PGPASSWORD": given.pop("password"), "PATH": os.environ["PATH"]}
        address = " ".join(f"{name}={value}" for name, value in given.items())
        options = ("proto_version=1", f"publication_names={PUBLICATION}")
        command = [
            *(str(postgres_tool("pg_recvlogical")), "--start", "--slot=bench_bare", f"--dbname={address}", "--no-loop"),
            *(f"--endpos={self.end}", "--file=/dev/null", *(f"--option={option}" for option in options)),
        ]
        with measured_process(command, env, self.lake.log.with_name("bare.log")) as process:
            started = self._wait_for_reader("bench_bare", process)
            process.wait()
            seconds = time.perf_counter() - started
        assert process.exit_code == 0, process.log_tail()
        drop_slot(self.server.dsn, "bench_bare")
        return self.changes / seconds

    def _ingest(self) -> AbstractContextManager[MeasuredProcess]:
        return self.lake.ingest(INGEST_SOURCES='["postgres"]', INGEST_POSTGRES_DSN=self.server.dsn)

    def _copy_slot(self, old: str, new: str) -> None:
        execute(self.server.dsn, f"select pg_copy_logical_replication_slot('{old}', '{new}')")

    def _wait_for_reader(self, slot: str, process: MeasuredProcess) -> float:
        """The time at which somebody starts to read the slot."""
        session = connect(self.server.dsn)
        session.autocommit = True
        with session.cursor() as cursor:

            def active() -> bool:
                process.check()
                cursor.execute("select active from pg_replication_slots where slot_name = %s", (slot,))
                return cursor.fetchone() == (True,)

            wait_until(active, deadline_seconds=60, what=f"a reader of slot {slot}", poll_seconds=0.005)
            started = time.perf_counter()
        session.close()
        return started


def _bronze(table: str) -> str:
    return f"bronze_postgres__{table}"


def main() -> None:
    """Make the backlog, compare, report."""
    with servers("postgres") as server:
        backlog = Backlog(server, Lake(server.folder / "lake"))
        backlog.prepare(int(from_environment("CHANGES", 600_000)))
        transactions = row(server.dsn, "select max(transaction) from backlog")[0]
        print(f"backlog: {backlog.changes:,} rows in {transactions:,} transactions", flush=True)
        measured = alternate(backlog.ours, backlog.bare, "rows/s")
    # The first is the warm-up's.
    per_cpu = backlog.changes / statistics.median(backlog.costs[1:])
    print(f"worst round: {number(min(mine for mine, _ in measured))} rows/s")
    print(f"ours per CPU-second of its process: {number(per_cpu)} rows")
    report("ingest/change_stream", measured, unit="rows/s", goal=GOAL, holds=lambda mine, _: mine >= GOAL)


if __name__ == "__main__":
    main()
