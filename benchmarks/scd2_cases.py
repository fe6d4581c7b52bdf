"""Shuffled events over many users, and the three who make histories of them: transform, plain Spark, and DuckDB.

Each reads Parquet and writes Parquet. All make the same versions, by SCD type 2 over `city` and `email` with `mood`
not tracked: a sum over them is compared after each run.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from shopsphere_kit.settings import LakeSettings
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State
from transform import session
from transform.settings import Settings
from transform.versions import versions

EVENTS = int(os.environ.get("EVENTS", "2000000"))
USERS = EVENTS // 10
# One user in a hundred gets an event that arrives late: somewhere among those it has.
TOUCHED = USERS // 100
TRACKED = ("city", "email")
CORES = 2


@dataclass(frozen=True)
class Bench:
    """A folder with the events and the batch, a Spark and a DuckDB."""

    spark: SparkSession
    duck: duckdb.DuckDBPyConnection
    folder: Path

    def path(self, name: str) -> str:
        """The file or folder of that name."""
        return str(self.folder / name)


@contextmanager
def bench() -> Iterator[Bench]:
    """Everything that the sides need; it is gone when the block ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spark, duck = session.start(_settings(folder)), duckdb.connect()
        duck.execute(f"set threads = {CORES}")
        made = Bench(spark, duck, folder)
        _write_events(made)
        try:
            yield made
        finally:
            spark.stop()
            duck.close()


def _settings(folder: Path) -> Settings:
    lake = LakeSettings(catalog_uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    cache = State(LocalSettings().state_dir).cache
    # Java compiles with both of its compilers, which suits the long queries of the other side better than the settings
    # of transform, made for a hundred short ones; two gigabytes keep either side from spilling.
    return Settings(master=f"local[{CORES}]", driver_memory="2g", driver_java_options="", cache_dir=cache, lake=lake)


def _write_events(made: Bench) -> None:
    columns = """
        hash({0} * 7) % {1} as user_id, {2} as seq, hash({0} * 11) % 100 < 3 as deleted,
        'city' || hash({0} * 13) % 500 as city, 'u' || hash({0} * 17) % {1} // 3 || '@shop.example' as email,
        case hash({0} * 19) % 4 when 0 then null else 'mood' || hash({0} * 19) % 4 end as mood"""
    events = columns.format("i", USERS, "2 * i")
    # Sorting by a hash shuffles: the events of a user lie all over the file, and in no order.
    made.duck.execute(
        f"copy (select {events} from range({EVENTS}) t(i) order by hash(i * 23)) "  # noqa: S608 - our own text
        f"to '{made.path('events.parquet')}' (format parquet)"
    )
    late = columns.format("i", USERS, f"2 * (hash(i * 29) % {EVENTS}) + 1").replace(
        f"hash(i * 7) % {USERS} as user_id", "100 * i as user_id"
    )
    made.duck.execute(
        f"copy (select {late} from range({TOUCHED}) t(i)) to '{made.path('batch.parquet')}' (format parquet)"  # noqa: S608
    )


def changes(events: DataFrame) -> DataFrame:
    """Events as transform takes them."""
    return events.select(
        "user_id",
        "city",
        "email",
        "mood",
        F.col("seq").alias("_position"),
        F.col("seq").alias("event_at"),
        F.lit(None).cast("long").alias("exists_since"),
        "deleted",
    )


def by_transform(made: Bench, *files: str) -> DataFrame:
    """The histories by transform's own code."""
    return versions(changes(made.spark.read.parquet(*map(made.path, files))), ("user_id",), TRACKED)


def of_touched_keys(made: Bench) -> DataFrame:
    """The histories of the users that the batch names: their facts are fetched and their versions built anew."""
    batch = made.spark.read.parquet(made.path("batch.parquet"))
    touched = F.broadcast(batch.select("user_id").distinct())
    facts = made.spark.read.parquet(made.path("events.parquet")).join(touched, "user_id", "left_semi")
    return versions(changes(facts.unionByName(batch)), ("user_id",), TRACKED)


def by_windows(made: Bench, *files: str) -> DataFrame:
    """The histories as they are usually written in Spark: lag, running sum, aggregate, lead."""
    in_order = Window.partitionBy("user_id").orderBy("seq")
    told = [F.when(~F.col("deleted"), F.col(name)).alias(name) for name in TRACKED]
    state = F.struct("deleted", *told)
    starts = F.when(state.eqNullSafe(F.lag(state).over(in_order)), 0).otherwise(1)
    events = made.spark.read.parquet(*map(made.path, files)).withColumn("starts", starts)
    stretches = (
        events.withColumn("stretch", F.sum("starts").over(in_order))
        .groupBy("user_id", "stretch")
        .agg(
            F.min("seq").alias("valid_from"),
            F.max_by(F.struct("city", "email", "mood", "deleted"), "seq").alias("last"),
        )
    )
    end = F.lead("valid_from").over(Window.partitionBy("user_id").orderBy("stretch"))
    return (
        stretches.withColumn("end_date", end)
        .where("not last.deleted")
        .selectExpr(
            "user_id",
            "last.city",
            "last.email",
            "last.mood",
            "valid_from",
            "end_date",
            "end_date is null as is_current",
        )
    )


_DUCKDB = """
copy (
  with ordered as (
    select *, lag(city) over w as city_before, lag(email) over w as email_before, lag(deleted) over w as deleted_before
    from read_parquet({files}) window w as (partition by user_id order by seq)),
  marked as (
    select *, (deleted_before is distinct from deleted or (not deleted and
      (city_before is distinct from city or email_before is distinct from email)))::int as starts from ordered),
  numbered as (select *, sum(starts) over (partition by user_id order by seq) as stretch from marked),
  stretches as (
    select user_id, stretch, min(seq) as valid_from,
      arg_max({{'c': city, 'e': email, 'm': mood, 'd': deleted}}, seq) as l
    from numbered group by all),
  ended as (select *, lead(valid_from) over (partition by user_id order by stretch) as end_date from stretches)
  select user_id, l.c as city, l.e as email, l.m as mood, valid_from, end_date, end_date is null as is_current
  from ended where not l.d
) to '{output}' (format parquet)"""


def by_duckdb(made: Bench, *files: str) -> None:
    """The histories by DuckDB's window functions, written to `duckdb.parquet`."""
    made.duck.execute(_DUCKDB.format(files=[made.path(file) for file in files], output=made.path("duckdb.parquet")))


def cpu_seconds() -> float:
    """What this process, Spark's Java and its Python workers have used so far."""
    me = psutil.Process()
    times = [one.cpu_times() for one in (me, *me.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def written(made: Bench, histories: Callable[[], DataFrame], name: str) -> Callable[[], int]:
    """A run that writes the histories under that name, and how many events it did that for."""

    def run() -> int:
        before = cpu_seconds()
        histories().write.mode("overwrite").parquet(made.path(name))
        print(f"  {name}: {cpu_seconds() - before:.1f} CPU-seconds", flush=True)
        return EVENTS

    return run


def content(made: Bench, name: str, where: str = "true") -> tuple[object, ...]:
    """What is in the versions under that name, whatever the order of rows and files."""
    files = made.path(name) + ("" if name.endswith(".parquet") else "/*.parquet")
    hashed = "hash(user_id, city, email, mood, valid_from, end_date, is_current)::hugeint"
    query = f"select count(*), sum({hashed}) from read_parquet('{files}') where {where}"  # noqa: S608 - our own text
    row = made.duck.execute(query).fetchone()
    return tuple(row or ())
