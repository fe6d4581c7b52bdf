"""The session: started when needed, closed to onlookers, the same under each profile."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from shopsphere_kit.settings import LakeSettings
from transform import bootstrap, keep, session
from transform.errors import NoConnect, NotInProcess
from transform.settings import Settings
from transform.storage import Lake

SECRET = "only-the-cluster-knows"


def settings(lake: LakeSettings, **chosen: object) -> Settings:
    return Settings.model_validate({"lake": lake, **chosen})


def test_a_lake_that_is_only_looked_at_starts_no_spark(
    lake_settings: LakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Settings] = []
    monkeypatch.setattr(session, "start", started.append)
    with bootstrap.lake(settings(lake_settings)) as lake:
        assert set(keep.heads(lake).values()) == {None}
    assert started == []


def test_all_of_a_process_shares_one_session_which_ends_with_the_block(
    lake_settings: LakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[_Session] = []

    def start(_: Settings) -> _Session:
        started.append(_Session())
        return started[-1]

    monkeypatch.setattr(session, "start", start)
    with bootstrap.lake(settings(lake_settings)) as lake:
        assert lake.spark is lake.spark
    assert [one.stopped for one in started] == [True]


class _Session:
    stopped = False

    def stop(self) -> None:
        self.stopped = True


def test_without_a_cluster_nothing_is_asked_for_executors(lake_settings: LakeSettings) -> None:
    assert not [name for name in session.configuration(settings(lake_settings), []) if "executor" in name]


def test_the_secret_of_a_cluster_is_asked_of_every_caller(lake_settings: LakeSettings) -> None:
    conf = session.configuration(
        settings(lake_settings, master="spark://127.0.0.1:7077", cluster_secret=SECRET, executor_memory="3g"), []
    )
    assert conf["spark.authenticate"] == conf["spark.network.crypto.enabled"] == "true"
    assert conf["spark.authenticate.secret"] == SECRET
    assert conf["spark.executor.memory"] == "3g"


def test_a_placeholder_for_the_clusters_secret_is_refused_in_production(
    lake_settings: LakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSPHERE_ENVIRONMENT", "prod")
    with pytest.raises(ValueError, match="TRANSFORM_CLUSTER_SECRET"):
        settings(lake_settings, cluster_secret="changeme").refuse_placeholders()


def test_the_configuration_reaches_java_through_a_file_that_only_its_owner_reads() -> None:
    with session.properties_file({"spark.a": "C:\\x=1\ny"}) as file:
        assert file.read_text() == "spark.a=C:\\\\x=1\\ny\n"
        assert stat.S_IMODE(file.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert not file.exists()


def test_the_connect_client_is_asked_for_by_name_when_it_is_missing(
    lake_settings: LakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_client(*_: object) -> SparkSession:
        raise ImportError("no grpc_status", name="grpc_status")

    monkeypatch.setattr(SparkSession.Builder, "remote", no_client)
    with pytest.raises(NoConnect, match=r"grpc_status.*pyspark\[connect\]"):
        session.start(settings(lake_settings, master="sc://localhost:15002"))


def test_a_session_on_a_server_is_refused_by_what_looks_into_java() -> None:
    with pytest.raises(NotInProcess, match="TRANSFORM_MASTER to local"):
        session.in_process(_Session())  # type: ignore[arg-type]


@pytest.fixture
def profiled(lake: Lake) -> Iterator[Lake]:
    before = dict(lake.spark.conf.getAll)
    yield lake
    for name in session.SMALL:
        lake.spark.conf.set(name, before[name])


@pytest.mark.servers
def test_an_answer_is_the_same_under_each_profile(profiled: Lake) -> None:
    def answer() -> list[tuple[int, int]]:
        rows = profiled.spark.range(100).selectExpr("id % 7 AS k", "id").groupBy("k").sum("id").collect()
        return sorted((row[0], row[1]) for row in rows)

    session.tune(profiled.spark, session.SMALL)
    small = answer()
    session.tune(profiled.spark, session.large(settings(_any_lake(), shuffle_partitions=3)))
    assert answer() == small
    assert profiled.spark.conf.get("spark.sql.shuffle.partitions") == "3"


@pytest.mark.servers
def test_javas_command_line_tells_nobody_the_configuration(spark: SparkSession) -> None:
    assert session.in_process(spark) is spark
    lines = [_command_line(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    ours = [line for line in lines if "--properties-file" in line and "SparkSubmit" in line]
    assert ours
    assert not [line for line in ours if "spark.sql.catalog" in line]


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:  # it has ended since it was listed
        return ""


def _any_lake() -> LakeSettings:
    return LakeSettings(catalog_uri="sqlite:////nowhere/catalog.db", warehouse="file:///nowhere")
