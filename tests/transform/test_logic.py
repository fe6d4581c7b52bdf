"""The fingerprint of the rules: it changes with what they do, and with nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from transform import logic

CODE = '''"""A table."""

LIMIT = 5


def kept(rows: list[int]) -> list[int]:
    """The rows that count."""
    return [row for row in rows if row < LIMIT]
'''
Fingerprint = Callable[..., str]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a_table.py").write_text(CODE)
    monkeypatch.setattr(logic, "_PACKAGE", tmp_path)
    logic.fingerprint.cache_clear()
    yield tmp_path
    logic.fingerprint.cache_clear()


@pytest.fixture
def fingerprint_with(package: Path) -> Fingerprint:
    """The fingerprint of the package with this text in a table's module."""

    def computed(text: str, name: str = "tables/a_table.py") -> str:
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(text)
        logic.fingerprint.cache_clear()
        return logic.fingerprint()

    return computed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A table.", "The same table, told better."),
        ("The rows that count.", "What counts."),
        ("LIMIT = 5", "LIMIT = 5  # units"),
        ("LIMIT = 5\n\n\n", "LIMIT = 5\n\n"),
        ("[row for row in rows if row < LIMIT]", "[\n        row for row in rows if row < LIMIT\n    ]"),
    ],
)
def test_docstrings_comments_and_layout_do_not_alter_it(fingerprint_with: Fingerprint, old: str, new: str) -> None:
    assert old in CODE
    assert fingerprint_with(CODE.replace(old, new)) == fingerprint_with(CODE)


@pytest.mark.parametrize(
    ("old", "new"), [("LIMIT = 5", "LIMIT = 6"), ("<", "<="), ("kept", "left"), ("row < LIMIT", "row < 5")]
)
def test_another_rule_alters_it(fingerprint_with: Fingerprint, old: str, new: str) -> None:
    assert old in CODE
    assert fingerprint_with(CODE.replace(old, new)) != fingerprint_with(CODE)


def test_where_a_rule_stands_counts(fingerprint_with: Fingerprint, package: Path) -> None:
    before = fingerprint_with(CODE)
    (package / "tables" / "a_table.py").rename(package / "tables" / "b_table.py")
    logic.fingerprint.cache_clear()
    assert logic.fingerprint() != before


@pytest.mark.parametrize("name", ["jobs.py", "verbs/run.py"])
def test_what_decides_when_and_where_or_only_looks_is_no_rule(fingerprint_with: Fingerprint, name: str) -> None:
    assert fingerprint_with("x = 1\n", name) == fingerprint_with("x = 2\n", name)


@pytest.mark.parametrize("name", ["scd2.py", "order_sources/shop.py", "tables/jobs.py"])
def test_rules_stand_in_modules_of_their_own_too(fingerprint_with: Fingerprint, name: str) -> None:
    assert fingerprint_with("x = 1\n", name) != fingerprint_with("x = 2\n", name)


def test_every_module_that_is_told_to_be_no_rule_is_there() -> None:
    package = Path(logic.__file__).parent
    assert [name for name in logic._OTHERS if not (package / f"{name}.py").exists()] == []


def test_it_is_sixteen_hex_digits() -> None:
    assert len(bytes.fromhex(logic.fingerprint())) == 8
