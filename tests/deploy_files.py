"""The deployment files as data: docker-compose.yml as a process would see it, and Dockerfiles as instructions."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

ROOT = Path(__file__).resolve().parents[1]
COMPOSE_FILE = ROOT / "docker-compose.yml"
ENV_EXAMPLE = ROOT / ".env.example"
SERVICES = ("customer360", "fraud", "ingest", "inventory", "transform")
PLACEHOLDER = "change-me"

Service = dict[str, Any]
# ${NAME:?message}, ${NAME:-default}, ${NAME}; and $$, which stands for one dollar sign.
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, its continuation lines joined."""

    name: str
    arguments: str


def compose_text() -> str:
    return COMPOSE_FILE.read_text(encoding="utf-8")


@cache
def compose() -> dict[str, Any]:
    """The file as it stands: anchors merged, variables not yet replaced."""
    return cast("dict[str, Any]", yaml.safe_load(compose_text()))


def services() -> dict[str, Service]:
    return cast("dict[str, Service]", compose()["services"])


def owner(service: Service) -> str | None:
    """The service of ours whose image a compose service runs: "inventory" of shopsphere-inventory:…, or None."""
    found = re.match(r"shopsphere-(\w+):", service["image"])
    return found[1] if found else None


def ours() -> dict[str, str]:
    """Compose service → the service of ours that it runs."""
    return {name: found for name, service in services().items() if (found := owner(service))}


def runs_module(service: Service) -> bool:
    """Whether it starts `python -m <service>`, and not a script of deploy/compose."""
    return "entrypoint" not in service


def example() -> dict[str, str]:
    """What .env.example sets."""
    lines = [line for line in ENV_EXAMPLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(cast("tuple[str, str]", tuple(line.split("=", 1))) for line in lines)


def variables(text: str) -> Iterator[tuple[str, str | None]]:
    """Every variable of the text, with "?" when it must be set, "-" when it has a default, None when neither."""
    for found in _VARIABLE.finditer(text):
        if found["name"]:
            yield found["name"], found["kind"]


def resolved(value: object, given: Mapping[str, str]) -> str:
    """A value of the file with its variables replaced; a KeyError names one that must be set and is not."""

    def replace(found: re.Match[str]) -> str:
        if not found["name"]:
            return "$"
        if found["kind"] == "-":
            return given.get(found["name"]) or str(found["rest"])
        return given[found["name"]]

    return _VARIABLE.sub(replace, str(value))


def environment(service: Service, given: Mapping[str, str]) -> dict[str, str]:
    """The variables that compose sets for the service."""
    return {name: resolved(value, given) for name, value in service.get("environment", {}).items()}


def dockerfile(service: str) -> list[Instruction]:
    text = (ROOT / "services" / service / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [Instruction(*line.split(maxsplit=1)) for line in joined if line.strip()]


def image_environment(service: str) -> dict[str, str]:
    """The variables that the final stage of the image sets."""
    found: dict[str, str] = {}
    for instruction in final_stage(service):
        if instruction.name == "ENV":
            found |= dict(re.findall(r"(\w+)=(\S+)", instruction.arguments))
    return found


def final_stage(service: str) -> list[Instruction]:
    instructions = dockerfile(service)
    last = max(index for index, instruction in enumerate(instructions) if instruction.name == "FROM")
    return instructions[last:]
