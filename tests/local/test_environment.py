from pathlib import Path

import pytest
from shopsphere_kit.errors import Conflict
from shopsphere_kit.settings import AuthSettings, KafkaSettings, LakeSettings
from shopsphere_local import environment
from shopsphere_local.ports import Ports
from shopsphere_local.state import State

SERVICES = ("ingest", "transform", "inventory", "fraud", "customer360")


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "a state")
    made.prepare()
    return made


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_gets_the_shared_settings_and_its_own_prefix_alone(service: str, state: State) -> None:
    variables = environment.of_service(service, state, Ports.from_base(18000))
    assert {name.split("_")[0] for name in variables} == {"SHOPSPHERE", service.upper()}


def test_the_kit_understands_the_shared_settings(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.shared(state, Ports.from_base(18000)).items():
        monkeypatch.setenv(name, value)
    assert LakeSettings() == environment.lake_settings(state)
    assert KafkaSettings().bootstrap_servers == "127.0.0.1:18003"
    assert AuthSettings().jwks_file == state.jwks_file


def test_inventory_and_fraud_have_databases_of_their_own(state: State) -> None:
    ports = Ports.from_base(18000)
    inventory = environment.of_service("inventory", state, ports)["INVENTORY_REDIS_URL"]
    fraud = environment.of_service("fraud", state, ports)["FRAUD_REDIS_URL"]
    assert (inventory[-2:], fraud[-2:]) == ("/0", "/1")
    assert inventory[:-2] == fraud[:-2]


def test_credentials_and_key_are_made_once_and_only_their_owner_reads_them(state: State) -> None:
    first, key = state.credentials(), state.dev_key().key_id
    assert (State(state.root).credentials(), State(state.root).dev_key().key_id) == (first, key)
    secret = [path for path in (state.root / "credentials").iterdir() if path != state.jwks_file]
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}


def test_a_credential_added_later_leaves_the_others_as_they_are(state: State) -> None:
    before = state.credentials()
    file = state.root / "credentials" / "passwords.json"
    file.write_text(f'{{"redis_password": "{before.redis_password}"}}')
    after = state.credentials()
    assert after.redis_password == before.redis_password
    assert after.postgres_password != before.postgres_password


def test_erasing_keeps_the_fetched_jars(state: State) -> None:
    (state.cache / "jar").touch()
    state.erase()
    assert sorted(path.name for path in state.root.iterdir()) == [".shopsphere-state", "cache"]
    assert (state.cache / "jar").exists()


def test_a_folder_the_stack_did_not_make_is_never_erased(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ledger").touch()
    with pytest.raises(Conflict, match="SHOPSPHERE_STATE_DIR"):
        State(tmp_path).erase()
    assert (tmp_path / "data" / "ledger").exists()
