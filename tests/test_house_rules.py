"""The rules of CONTRIBUTING.md that a machine can check. Each test names the trouble it keeps away."""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("customer360", "fraud", "ingest", "inventory", "transform")
PACKAGES = [
    ROOT / "libs/kit/shopsphere_kit",
    ROOT / "deploy/local/shopsphere_local",
    *(ROOT / "services" / name / name for name in SERVICES),
]
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70
FUNCTION_LINES_MEDIAN_MAX = 10
# What opens a connection, a database or an engine; a service calls these in bootstrap.py and nowhere else.
OPENERS = {
    "AIOKafkaClient", "AIOKafkaConsumer", "AIOKafkaProducer", "AdminClient", "Consumer", "InferenceSession",
    "LogicalReplicationConnection", "MongoClient", "Producer", "PyJWKClient", "Redis", "SqlCatalog", "connect",
    "from_pool", "from_url", "getOrCreate", "load_catalog", "lmdb.open", "open_catalog",
}  # fmt: skip
# Modules that are a piece of bootstrap, each with the reason why it is not inside it.
OPENING_MODULES = {
    "customer360/lmdb_store.py",  # a generation is opened whenever a new one is switched to
    "fraud/model.py",  # a session is made of a model's bytes whenever a new model is picked up; it connects to nothing
    "transform/session.py",  # how a Spark session is made fills a module of its own
}


def modules(*roots: Path) -> Iterator[Path]:
    for root in roots or (*PACKAGES, ROOT / "tests", ROOT / "benchmarks"):
        yield from sorted(path for path in root.rglob("*.py") if "_pb2" not in path.name)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def called_names(call: ast.Call) -> set[str]:
    """The last name of what is called, and the dotted one: {"open", "lmdb.open"}."""
    if isinstance(call.func, ast.Attribute):
        return {call.func.attr, ast.unparse(call.func)}
    return {getattr(call.func, "id", "")}


def relative(paths: Iterator[Path] | list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_no_module_grows_beyond_one_idea() -> None:
    assert relative([path for path in modules() if path.read_text().count("\n") > MODULE_LINES_MAX]) == []


def test_no_function_needs_scrolling() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{function.name} {length(function)}"
        for path in modules()
        for function in functions(ast.parse(path.read_text()))
        if length(function) > FUNCTION_LINES_MAX
    ]
    assert long == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_functions_are_short_as_a_habit(package: Path) -> None:
    lengths = [length(f) for path in modules(package) for f in functions(ast.parse(path.read_text()))]
    assert statistics.median(lengths) < FUNCTION_LINES_MEDIAN_MAX


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert relative([path for path in modules() if path.stem in drawers]) == []


def test_only_settings_read_the_environment() -> None:
    reading = re.compile(r"os\.environ|os\.getenv|environ\[")
    offenders = [path for path in modules(*PACKAGES) if path.name != "settings.py" and reading.search(path.read_text())]
    assert relative(offenders) == []


def test_only_the_clock_asks_for_the_time() -> None:
    asking = re.compile(r"datetime\.now\(|datetime\.utcnow\(|date\.today\(|time\.time\(")
    offenders = [path for path in modules(*PACKAGES) if path.name != "clock.py" and asking.search(path.read_text())]
    assert relative(offenders) == []


@pytest.mark.parametrize("service", SERVICES)
def test_only_bootstrap_opens_connections(service: str) -> None:
    offenders = {
        f"{path.relative_to(ROOT)}:{call.lineno} {ast.unparse(call.func)}"
        for path in modules(ROOT / "services" / service / service)
        if path.name != "bootstrap.py" and f"{service}/{path.name}" not in OPENING_MODULES
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and called_names(call) & OPENERS
    }
    assert offenders == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_one_anatomy(service: str) -> None:
    folder = ROOT / "services" / service
    expected = {"__main__.py", "settings.py", "bootstrap.py", "errors.py"}
    assert expected <= {path.name for path in (folder / service).iterdir()}
    assert {"README.md", "Dockerfile", "pyproject.toml"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("service", SERVICES)
def test_every_readme_has_the_same_headings(service: str) -> None:
    text = (ROOT / "services" / service / "README.md").read_text()
    headings = [line.removeprefix("## ").strip() for line in text.splitlines() if line.startswith("## ")]
    assert [h for h in ("What it does", "Talks to", "Run", "Settings", "Test", "Files") if h not in headings] == []


def test_import_boundaries_hold() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_generated_code_is_fresh() -> None:
    result = subprocess.run(
        [sys.executable, ROOT / "proto/generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    trouble = re.compile(r"pypi\.org|files\.pythonhosted|repo1?\.maven|registry\.npmjs|/(?:work|root|farm)/")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    offenders = []
    for name in filter(None, tracked):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".lock", ""} and path.is_file():
            text = path.read_text(errors="ignore")
            if name != "tests/test_house_rules.py" and trouble.search(text):
                offenders.append(name)
    assert offenders == []


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_file_a_document_names_exists(document: str) -> None:
    named = set(re.findall(r"`([\w/.-]+\.(?:py|lua|md|proto))`", (ROOT / document).read_text()))
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    present = [f"/{path}" for path in tracked.splitlines()]
    invented = {"utils.py", "helpers.py", "common.py"}  # named as what must not be
    missing = {name for name in named - invented if not any(path.endswith("/" + name) for path in present)}
    assert missing == set()
