"""What can be held of the images without building them."""

import fnmatch
import json
import re
import shlex
import tomllib

import pytest
from deploy_files import ROOT, SERVICES, dockerfile, final_stage, image_environment

BASE = r"python:3\.11\.\d+-slim-bookworm"

pytestmark = pytest.mark.parametrize("service", SERVICES)


def arguments(service: str, name: str) -> list[str]:
    return [instruction.arguments for instruction in dockerfile(service) if instruction.name == name]


def copied(service: str) -> list[str]:
    """What the build takes from the repository."""
    sources: list[str] = []
    for line in arguments(service, "COPY"):
        words = [word for word in shlex.split(line) if not word.startswith("--")]
        if "--from" not in line:
            sources += words[:-1]
    return sources


def members_needed(service: str) -> set[str]:
    """The workspace members in the service's dependencies."""
    project = tomllib.loads((ROOT / "services" / service / "pyproject.toml").read_text())["project"]
    named = (re.split(r"[\[<>=;]", dependency)[0] for dependency in project["dependencies"])
    return {name for name in named if name.startswith("shopsphere-")}


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps the path out of the build; the last pattern that matches decides."""
    out = False
    parents = [path] + ["/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if pattern and not line.startswith("#"):
            flat = pattern.removeprefix("**/")
            last = any(fnmatch.fnmatch(part, flat) for part in path.split("/")) if pattern != flat else False
            if last or any(fnmatch.fnmatch(parent, pattern) for parent in parents):
                out = not line.startswith("!")
    return out


def test_every_stage_starts_from_the_same_exact_base_image(service: str) -> None:
    stages = arguments(service, "FROM")
    assert len(stages) == 2
    assert all(re.fullmatch(rf"{BASE}( AS build)?", stage) for stage in stages)
    assert {stage.split()[0] for stage in stages} == {arguments(SERVICES[0], "FROM")[0].split()[0]}


def test_packages_are_installed_by_their_hashes_and_members_without_dependencies(service: str) -> None:
    runs = " && ".join(arguments(service, "RUN"))
    installs = [part for part in runs.split("&&") if re.search(r"\b(pip install|pip sync)\b", part)]
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or {"--offline", "--no-deps", "--no-sources"} <= set(install.split())
        assert " -e " not in install
        assert "--editable" not in install


def test_it_takes_its_own_requirements_which_are_hashed(service: str) -> None:
    wanted = [path for path in copied(service) if path.startswith("requirements/")]
    assert wanted == ["requirements/uv.txt", f"requirements/{service}.txt"]
    assert all("--hash=sha256:" in (ROOT / path).read_text() for path in wanted)


def test_it_copies_what_it_needs_and_nothing_else(service: str) -> None:
    paths = {path for path in copied(service) if not path.startswith("requirements/")}
    packages = {f"services/{service}", "libs/kit"}
    if "shopsphere-proto" in members_needed(service):
        packages |= {"proto/pyproject.toml", "proto/shopsphere"}
    scripts = {path for path in paths if path.startswith("deploy/container/")}
    assert paths - scripts == packages
    assert scripts == {f"deploy/container/{'fetch_jars' if service == 'transform' else 'healthcheck'}.py"}


def test_what_it_copies_exists_and_passes_the_ignore_file(service: str) -> None:
    assert [path for path in copied(service) if not (ROOT / path).exists()] == []
    assert [path for path in copied(service) if ignored(path)] == []
    assert not ignored(f"services/{service}/pyproject.toml")
    assert not ignored(f"services/{service}/{service}/__main__.py")


def test_the_ignore_file_keeps_secrets_and_local_state_out(service: str) -> None:
    kept_out = (".env", "jwks.json", ".git/config", ".venv/bin/python", ".local/x", "tests/conftest.py", "uv.lock")
    assert [path for path in kept_out if not ignored(path)] == []
    assert ignored(f"services/{service}/{service}/__pycache__/settings.pyc")


def test_it_runs_as_a_user_without_rights(service: str) -> None:
    stage = final_stage(service)
    users = [instruction.arguments for instruction in stage if instruction.name == "USER"]
    assert users == ["10001:10001"]
    assert [i.name for i in stage].index("USER") < [i.name for i in stage].index("ENTRYPOINT")


def test_it_starts_the_service_with_its_default_verb(service: str) -> None:
    stage = {instruction.name: instruction.arguments for instruction in final_stage(service)}
    assert json.loads(stage["ENTRYPOINT"]) == ["python", "-m", service]
    assert json.loads(stage["CMD"]) == ["run" if service in {"ingest", "transform"} else "serve"]


def test_it_says_how_to_see_that_it_is_alive(service: str) -> None:
    (check,) = (instruction.arguments for instruction in final_stage(service) if instruction.name == "HEALTHCHECK")
    if service == "transform":
        assert check == "NONE"
        return
    program, script, variable = json.loads(check.partition("CMD ")[2])
    assert (program, script) == ("python", "/app/healthcheck.py")
    port = image_environment(service)[variable]
    (exposed,) = arguments(service, "EXPOSE")
    assert port in exposed.split()


def test_it_holds_no_secret_and_names_no_registry(service: str) -> None:
    text = (ROOT / "services" / service / "Dockerfile").read_text()
    assert not re.search(r"(?i)password|secret|token|https?://", text)
    assert set(re.findall(r"services/(\w+)", text)) == {service}
