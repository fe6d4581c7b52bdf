"""docker-compose.yml: whole, closed to the outside, without secrets, and telling the services what they understand."""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from deploy_files import (
    COMPOSE_FILE,
    PLACEHOLDER,
    ROOT,
    compose,
    compose_text,
    environment,
    example,
    image_environment,
    ours,
    resolved,
    runs_module,
    services,
    variables,
)
from pydantic import AliasChoices
from pydantic_settings import BaseSettings
from shopsphere_kit.java import JavaSettings
from shopsphere_kit.settings import LakeSettings

JOBS = {
    "mongo-replica-set",
    "topics",
    "bucket",
    "transform",
    "fraud-train",
    "fraud-warm",
    "customer360-load",
    "inventory-reconcile",
}
# Secrets as someone would make them; .env.example says how.
DUMMY = {name: "0123456789abcdef" * 2 if value == PLACEHOLDER else value for name, value in example().items()}
DOORS = {
    "ingest": {18040},
    "inventory-serve": {18010, 18011},
    "fraud-serve": {18020, 18021},
    "customer360-serve": {18030, 18031},
}

each = pytest.mark.parametrize("name", sorted(services()))
each_of_ours = pytest.mark.parametrize("name", sorted(n for n in ours() if runs_module(services()[n])))


def settings_class(service: str) -> type[BaseSettings]:
    found: type[BaseSettings] = importlib.import_module(f"{service}.settings").Settings
    return found


def names_of(settings: type[BaseSettings]) -> Iterator[str]:
    """Every environment variable that the class and its blocks read."""
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings):
            yield from names_of(field.annotation)
        elif isinstance(field.validation_alias, AliasChoices):
            yield from (str(choice) for choice in field.validation_alias.choices)
        else:
            yield f"{prefix}{name}".upper()


def known(service: str) -> set[str]:
    """What the service reads, with the lake, which some verbs read on their own, and Java's."""
    return {*names_of(settings_class(service)), *names_of(LakeSettings), *names_of(JavaSettings)}


def built(name: str, given: dict[str, str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    """The Settings object of the compose service's process, in its environment and no other."""
    service = ours()[name]
    for variable in known(service):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in (image_environment(service) | environment(services()[name], given)).items():
        if variable != "PATH":
            monkeypatch.setenv(variable, value)
    monkeypatch.chdir(folder)
    return settings_class(service)()


def refused(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Start as far as the settings do; transform asks them itself once it opens the catalog."""
    settings = built(name, example(), monkeypatch, folder)
    settings.refuse_placeholders()


def test_the_file_follows_the_compose_specification() -> None:
    # The package ships the schema; its own command line is of no interest here and is not imported.
    spec = importlib.util.find_spec("check_jsonschema")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "builtin_schemas" / "vendor"
    schema = yaml.safe_load((folder / "compose-spec.json").read_text())
    jsonschema.validate(compose(), schema)


def test_no_secret_stands_in_the_file() -> None:
    sensitive = re.compile(r"(?i)(password|secret|_key)\b[^:]*:\s+(?P<value>.+)")
    values = [found["value"] for line in compose_text().splitlines() if (found := sensitive.search(line))]
    assert [value for value in values if "${" not in value and not value.startswith(("[", "{"))] == []
    assert not re.search(r"://\w*:[^$@/\s]+@", compose_text())


def test_every_variable_must_be_set_or_has_a_default_and_is_in_the_example() -> None:
    found = list(variables(compose_text()))
    assert [name for name, kind in found if kind is None] == []
    mongo_key = compose()["secrets"]["mongo_key"]["environment"]
    assert {name for name, _ in found} | {mongo_key} == set(example())


def test_every_secret_of_the_example_is_a_placeholder() -> None:
    sensitive = {name for name in example() if re.search(r"PASSWORD|SECRET|_KEY$", name)}
    assert {name: example()[name] for name in sensitive} == dict.fromkeys(sensitive, PLACEHOLDER)


@each
def test_images_are_pinned_or_built_here(name: str) -> None:
    service = services()[name]
    if name in ours():
        assert service["build"] == {"context": ".", "dockerfile": f"services/{ours()[name]}/Dockerfile"}
    else:
        assert re.search(r":\d+\.\d+(\.\d+)?(-\w+)?$", service["image"])


@each
def test_everything_has_a_memory_limit_and_a_restart_rule(name: str) -> None:
    service = services()[name]
    assert re.fullmatch(r"\d+[mg]", service["deploy"]["resources"]["limits"]["memory"])
    assert service["restart"] == ("no" if name in JOBS else "unless-stopped")


@each
def test_what_others_wait_for_says_when_it_is_ready(name: str) -> None:
    for needed, how in services()[name].get("depends_on", {}).items():
        completes = how["condition"] == "service_completed_successfully"
        assert completes == (needed in JOBS)
        assert completes or (how["condition"] == "service_healthy" and "test" in services()[needed]["healthcheck"])


@each
def test_only_doors_are_published_and_to_this_machine_alone(name: str) -> None:
    published = services()[name].get("ports", [])
    assert {port for entry in published for port in [int(entry.split(":")[-1])]} == DOORS.get(name, set())
    assert all(entry.startswith("127.0.0.1:") for entry in published)
    assert ("doors" in services()[name]["networks"]) == (name in DOORS)


@each
def test_every_name_it_uses_is_defined(name: str) -> None:
    service, whole = services()[name], compose()
    assert set(service["networks"]) <= set(whole["networks"])
    assert set(service.get("depends_on", {})) <= set(whole["services"])
    sources = [entry.split(":")[0] for entry in service.get("volumes", [])]
    assert {source for source in sources if not source.startswith(".")} <= set(whole["volumes"])
    assert [source for source in sources if source.startswith(".") and not (ROOT / source).exists()] == []
    for kind in ("secrets", "configs"):
        used = {entry if isinstance(entry, str) else entry["source"] for entry in service.get(kind, [])}
        assert used <= set(whole[kind])


@each
def test_it_shares_a_network_with_all_it_waits_for(name: str) -> None:
    mine = set(services()[name]["networks"])
    # What others wait for on its behalf (the catalog's bucket) it need not reach itself.
    assert [n for n in services()[name].get("depends_on", {}) if not mine & set(services()[n]["networks"])] == []


def test_networks_of_servers_have_no_way_out() -> None:
    assert {name for name, network in compose()["networks"].items() if not network.get("internal")} == {"doors"}


def test_nothing_that_is_defined_is_left_over() -> None:
    text = compose_text()
    for kind in ("volumes", "secrets", "configs", "networks"):
        assert [name for name in compose()[kind] if len(re.findall(rf"\b{name}\b", text)) < 2] == []


@each_of_ours
def test_every_variable_it_is_told_is_one_it_reads(name: str) -> None:
    told = set(services()[name].get("environment", {}))
    assert told - known(ours()[name]) == set()
    own = {v for v in image_environment(ours()[name]) if v.startswith(("SHOPSPHERE_", f"{ours()[name].upper()}_"))}
    assert own - known(ours()[name]) == set()


@each_of_ours
def test_its_settings_can_be_built_from_what_it_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = built(name, DUMMY, monkeypatch, tmp_path)
    assert settings.runtime.environment == "prod"
    if "lake" in services()[name]["networks"]:
        lake = LakeSettings()
        assert (lake.catalog_type, lake.catalog_uri) == ("rest", "http://catalog:8181")
        assert lake.s3_secret_access_key is not None


@each_of_ours
def test_a_door_is_published_on_the_port_it_listens_on(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = built(name, DUMMY, monkeypatch, tmp_path)
    if name in DOORS:
        assert settings.http.host == "0.0.0.0"  # noqa: S104 - within its container
        assert {settings.rest_port, getattr(settings, "grpc_port", settings.rest_port)} == DOORS[name]
        assert "jwks.json" in [secret["target"] for secret in services()[name]["secrets"]]
        assert str(settings.auth.jwks_file) == "/run/secrets/jwks.json"


@each_of_ours
def test_what_it_writes_goes_to_a_volume_or_to_memory(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = built(name, DUMMY, monkeypatch, tmp_path)
    kept = [entry.split(":")[1] for entry in services()[name].get("volumes", [])]
    folders = {"data_dir", "model_dir", "stream_datadir", "scratch_dir"} & set(type(settings).model_fields)
    assert all(Path(getattr(settings, folder)).is_absolute() for folder in folders)
    needed = {"fraud-train": "model_dir", "fraud-serve": "model_dir", "customer360-serve": "data_dir",
              "customer360-load": "data_dir", "transform": "scratch_dir"}.get(name)  # fmt: skip
    assert needed is None or str(getattr(settings, needed)) in kept
    assert services()[name]["read_only"] is (name != "transform")


@pytest.mark.parametrize(
    "name",
    [
        "customer360-load",
        "customer360-serve",
        "fraud-serve",
        "fraud-stream",
        "ingest",
        "inventory-serve",
        "inventory-stream",
        "transform",
    ],
)
def test_the_placeholders_of_the_example_are_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="placeholder"):  # pydantic's ValidationError is one
        refused(name, monkeypatch, tmp_path)


def test_servers_and_services_agree_on_passwords_and_addresses() -> None:
    config = compose()["configs"]
    assert f"requirepass {DUMMY['REDIS_PASSWORD']}\n" in resolved(config["redis"]["content"], DUMMY)
    identities = yaml.safe_load(resolved(config["s3"]["content"], DUMMY))["identities"]
    lake = environment(services()["transform"], DUMMY)
    assert identities[0]["credentials"] == [
        {
            "accessKey": lake["SHOPSPHERE_LAKE_S3_ACCESS_KEY_ID"],
            "secretKey": lake["SHOPSPHERE_LAKE_S3_SECRET_ACCESS_KEY"],
        }
    ]
    catalog = environment(services()["catalog"], DUMMY)
    assert catalog["CATALOG_WAREHOUSE"] == lake["SHOPSPHERE_LAKE_WAREHOUSE"]
    assert catalog["CATALOG_S3_ENDPOINT"] == lake["SHOPSPHERE_LAKE_S3_ENDPOINT"]


def test_every_host_in_an_address_is_on_a_network_of_who_calls_it() -> None:
    for name in ours():
        told = " ".join(environment(services()[name], DUMMY).values())
        hosts = set(re.findall(r"(?:@|://|^|\s)([a-z0-9-]+):\d{4,5}", told)) & set(services())
        for host in hosts:
            assert set(services()[host]["networks"]) & set(services()[name]["networks"]), f"{name} → {host}"


def test_postgres_keeps_a_log_that_can_be_followed_and_mongo_is_a_replica_set() -> None:
    assert "wal_level=logical" in services()["postgres"]["command"]
    command = services()["mongo"]["command"]
    replica_set = command[command.index("--replSet") + 1]
    assert f"replicaSet={replica_set}" in services()["ingest"]["environment"]["INGEST_MONGO_URI"]
    script = (ROOT / "deploy/compose/mongo/replica-set.js").read_text()
    assert f'_id: "{replica_set}"' in script


def test_redis_forgets_nothing() -> None:
    lines = compose()["configs"]["redis"]["content"].splitlines()
    assert {"appendonly yes", "appendfsync always", "maxmemory-policy noeviction"} <= set(lines)
    assert COMPOSE_FILE.name == "docker-compose.yml"
