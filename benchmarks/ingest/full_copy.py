"""Claim: a full copy of TPC-H from PostgreSQL is at least 2.2 times as fast as dlt's with its connectorx backend.

Ours: `python -m ingest run` with its default settings into an empty lake, behind a new slot and publication, from the
start of the process until all eight tables are in bronze. The other side: dlt, from the start of its process until it
says that everything is loaded into Parquet files on the same disk. After each round every column of both copies is
compared with the source by an exact checksum. CPU-seconds are those of the client's process tree, PostgreSQL's are not
among them. SF=0.01 tries it with less.
"""

import shutil
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import tpch
from frame import alternate, number, report
from ingest_lake import Lake
from ingest_servers import Servers, drop_slot, execute, from_environment, servers
from measured_process import Cost, measured_process
from tool_environment import tool_environment

GOAL_RATIO, GOAL_ROWS_PER_CPU_SECOND, GOAL_BYTES = 2.2, 450_000, 2**30
DLT = (
    "dlt[parquet,filesystem,sql_database]==1.31.0",
    "connectorx==0.4.6",
    "psycopg2-binary==2.9.13",
    "pyarrow==26.0.1",
    "sqlalchemy==2.1.9",
)
SLOT, PUBLICATION = "bench_copy", "bench_copy"


@dataclass
class Copies:
    """The source, and what each side's rounds cost."""

    server: Servers
    source: tpch.Source
    python: Path
    costs: dict[str, list[Cost]] = field(default_factory=lambda: {"ours": [], "dlt": []})

    def ours(self) -> float:
        """Rows per second of one copy by ingest."""
        lake = Lake(self.server.folder / "lake")
        started = time.perf_counter()
        with lake.ingest(
            INGEST_SOURCES='["postgres"]',
            INGEST_POSTGRES_DSN=self.server.dsn,
            INGEST_POSTGRES_SLOT=SLOT,
            INGEST_POSTGRES_PUBLICATION=PUBLICATION,
        ) as process:
            lake.wait_for_rows({_bronze(table): rows for table, rows in self.source.rows.items()}, process)
            seconds = time.perf_counter() - started
            cost = process.stop()
        assert process.exit_code == 0, process.log_tail()
        drop_slot(self.server.dsn, SLOT)
        execute(self.server.dsn, f"drop publication {PUBLICATION}")
        self._keep("ours", seconds, cost, {table: lake.files(_bronze(table)) for table in tpch.TABLES})
        shutil.rmtree(lake.folder)
        return self.rows / seconds

    def dlt(self) -> float:
        """Rows per second of one copy by dlt."""
        folder = self.server.folder / "dlt"
        command = [
            str(self.python),
            str(Path(tpch.__file__).with_name("dlt_copy.py")),
            self.server.dsn,
            str(folder),
            *tpch.TABLES,
        ]
        # No telemetry: it would wait for a host that may not be reachable.
        env = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR", "HOME": str(self.server.folder)}
        started = time.perf_counter()
        with measured_process(command, env, self.server.folder / "dlt.log", prints=True) as process:
            while process.line() != "loaded":
                pass
            seconds = time.perf_counter() - started
            cost = process.wait()
        files = {table: sorted(map(str, (folder / "lake/tpch" / table).glob("*.parquet"))) for table in tpch.TABLES}
        self._keep("dlt", seconds, cost, files)
        shutil.rmtree(folder)
        return self.rows / seconds

    def _keep(self, side: str, seconds: float, cost: Cost, files: dict[str, list[str]]) -> None:
        if unequal := self.source.differences(files):
            raise SystemExit(f"the copy of {side} is not exact: {', '.join(unequal)}")
        self.costs[side].append(cost)
        print(
            f"  {side}: {seconds:.1f} s, {self.rows_per_cpu_second(cost):,.0f} rows per client CPU-second "
            f"({cost.cpu_seconds:.1f} s), peak {cost.peak_bytes / 2**20:,.0f} MiB, all checksums equal the source's",
            flush=True,
        )

    @property
    def rows(self) -> int:
        """Rows of the whole copy."""
        return sum(self.source.rows.values())

    def rows_per_cpu_second(self, cost: Cost) -> float:
        """Rows of the whole copy by a side's CPU-seconds."""
        return self.rows / cost.cpu_seconds


def _bronze(table: str) -> str:
    return f"bronze_postgres__{table}"


def main() -> None:
    """Load the source, compare, report."""
    files = tpch.generate(from_environment("SF", 1))
    python = tool_environment("bench-dlt", DLT) / "bin" / "python"
    with servers("postgres") as server:
        source = tpch.Source(server.dsn)
        source.load(files)
        copies = Copies(server, source, python)
        print(f"source: {copies.rows:,} rows in {len(source.figures)} tables", flush=True)
        measured = alternate(copies.ours, copies.dlt, "rows/s")
    # The first is the warm-up's.
    per_cpu = statistics.median(copies.rows_per_cpu_second(cost) for cost in copies.costs["ours"][1:])
    others = statistics.median(copies.rows_per_cpu_second(cost) for cost in copies.costs["dlt"][1:])
    peak = max(cost.peak_bytes for cost in copies.costs["ours"])
    print(f"worst round: {min(one / two for one, two in measured):.2f} times dlt")
    print(
        f"rows per client CPU-second: ours {number(per_cpu)}, dlt {number(others)}; goal {GOAL_ROWS_PER_CPU_SECOND:,}"
    )
    print(f"highest peak of memory: ours {peak / 2**20:,.0f} MiB; goal {GOAL_BYTES / 2**20:,.0f} MiB")
    report(
        "ingest/full_copy",
        measured,
        unit="rows/s",
        goal=GOAL_RATIO,
        holds=lambda mine, theirs: (
            mine / theirs >= GOAL_RATIO and per_cpu >= GOAL_ROWS_PER_CPU_SECOND and peak <= GOAL_BYTES
        ),
    )


if __name__ == "__main__":
    main()
