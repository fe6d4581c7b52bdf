"""Claim: a change is in a snapshot within 2 s at the 99th percentile by default, and within 1 s with smaller batches.

`pgbench` makes 1,000 single-row commits a second for a minute, each with the time of its statement in the row, which is
a little before its commit. A poller takes the time at which it sees each new snapshot; a row's age is that time minus
its own. Both settings alternate, on the same server, each time into an empty lake: ours is the default, the other is
INGEST_BATCH_SECONDS=0.2. RATE=200 and SECONDS=10 try it with less.
"""

import os
import re
import statistics
from dataclasses import dataclass, field

from frame import alternate, report
from ingest_lake import Lake
from ingest_servers import Servers, drop_slot, execute, from_environment, postgres_tool, servers
from measured_process import measured_process
from psycopg2.extensions import parse_dsn
from snapshot_watch import Freshness, SnapshotWatch

GOAL_DEFAULT, GOAL_LOW_LATENCY = 2.0, 1.0
LOW_LATENCY = {"INGEST_BATCH_SECONDS": "0.2"}
SLOT, PUBLICATION = "bench_freshness", "bench_freshness"
FIRST_ROWS = 1_000
SCHEMA = """
create table orders (
  order_id bigserial primary key, user_id bigint, status text, total_amount numeric(12, 2), written_at timestamptz
);
alter table orders replica identity full;
"""
# Of three changes two are inserts and one is an update; each is one row and one commit.
CHANGE = r"""
\set dice random(1, 3)
\set picked random(1, 1000)
\if :dice = 1
update orders set status = 'returned', written_at = clock_timestamp() where order_id = :picked;
\else
insert into orders (user_id, status, total_amount, written_at) values (:picked, 'completed', 17.90, clock_timestamp());
\endif
"""


@dataclass
class Writing:
    """The server, how fast and how long to write, and what was seen."""

    server: Servers
    rate: int
    seconds: int
    seen: dict[str, list[Freshness]] = field(default_factory=lambda: {"default": [], "low latency": []})

    def round(self, name: str, settings: dict[str, str]) -> float:
        """The 99th percentile of the rows' ages in seconds."""
        execute(
            self.server.dsn,
            "drop table if exists orders",
            SCHEMA,
            "insert into orders (status, written_at) select 'completed', now() from generate_series(1, 1000)",
        )
        lake, table = Lake(self.server.folder / "lake"), "bronze_postgres__orders"
        own = {
            "INGEST_SOURCES": '["postgres"]',
            "INGEST_POSTGRES_DSN": self.server.dsn,
            "INGEST_POSTGRES_SLOT": SLOT,
            "INGEST_POSTGRES_PUBLICATION": PUBLICATION,
        }
        with lake.ingest(**own, **settings) as process:
            lake.wait_for_rows({table: FIRST_ROWS}, process)
            before = process.cpu_seconds()
            with SnapshotWatch(lake, table) as watch:
                changes = self._write()
                lake.wait_for_rows({table: FIRST_ROWS + changes}, process)
                cpu = process.cpu_seconds() - before
            process.stop()
        assert process.exit_code == 0, process.log_tail()
        drop_slot(self.server.dsn, SLOT)
        execute(self.server.dsn, f"drop publication {PUBLICATION}")
        return self._keep(name, watch.freshness("written_at"), changes, cpu)

    def _write(self) -> int:
        """Run pgbench; returns how many changes it committed."""
        script = self.server.folder / "change.sql"
        script.write_text(CHANGE)
        given = parse_dsn(self.server.dsn)
        env = {"PATH": os.environ["PATH"], "PGPASSWORD": given.pop("password")}
        # Eight connections, so that commits can share a flush of the log, as a shop's do.
        command = [
            *(str(postgres_tool("pgbench")), "--no-vacuum", f"--file={script}", f"--rate={self.rate}"),
            *(f"--time={self.seconds}", "--client=8", "--jobs=1"),
            *(f"--host={given['host']}", f"--port={given['port']}", f"--username={given['user']}", given["dbname"]),
        ]
        with measured_process(command, env, self.server.folder / "pgbench.log", prints=True) as pgbench:
            output = ""
            while (line := pgbench.next_line()) is not None:
                output += f"{line}\n"
            pgbench.wait()
        assert pgbench.exit_code == 0, pgbench.log_tail()
        done = re.search(r"transactions actually processed: (\d+)", output)
        failed = re.search(r"failed transactions: (\d+)", output)
        assert done, output
        assert failed is None or failed[1] == "0", output
        return int(done[1])

    def _keep(self, name: str, seen: Freshness, changes: int, cpu: float) -> float:
        assert len(seen.seconds) == changes, f"{changes} changes, {len(seen.seconds)} rows seen in new snapshots"
        self.seen[name].append(seen)
        print(
            f"  {name}: {changes / self.seconds:,.0f} changes/s, p50 {seen.percentile(0.5):.3f} s, "
            f"p99 {seen.percentile(0.99):.3f} s, longest {seen.seconds[-1]:.3f} s, {seen.files} files in "
            f"{seen.snapshots} snapshots, {cpu:.1f} CPU-seconds",
            flush=True,
        )
        return seen.percentile(0.99)


def summary(name: str, seen: list[Freshness], seconds: int, goal: float) -> None:
    """Print the medians of a setting's rounds."""
    half, most = (statistics.median(each.percentile(part) for each in seen) for part in (0.5, 0.99))
    files = statistics.median(each.files for each in seen) * 60 / seconds
    worst = max(each.percentile(0.99) for each in seen)
    print(
        f"{name}: p50 {half:.3f} s, p99 {most:.3f} s (worst round {worst:.3f}; goal {goal:g}), {files:.0f} files/minute"
    )


def main() -> None:
    """Start a server, let both settings follow it in turn, report."""
    rate, seconds = int(from_environment("RATE", 1_000)), int(from_environment("SECONDS", 60))
    with servers("postgres") as server:
        writing = Writing(server, rate, seconds)
        measured = alternate(
            lambda: writing.round("default", {}), lambda: writing.round("low latency", LOW_LATENCY), "s (p99)"
        )
    # The first is the warm-up's.
    summary("default", writing.seen["default"][1:], seconds, GOAL_DEFAULT)
    summary("low latency", writing.seen["low latency"][1:], seconds, GOAL_LOW_LATENCY)
    report(
        "ingest/freshness",
        measured,
        unit="s at p99, default settings; other: INGEST_BATCH_SECONDS=0.2, goal 1 s",
        goal=GOAL_DEFAULT,
        holds=lambda default, low: default <= GOAL_DEFAULT and low <= GOAL_LOW_LATENCY,
    )


if __name__ == "__main__":
    main()
