"""A mutant: one seeded bug of the service, as the text that it replaces; `tests/inventory/mutants/` has them all."""

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
CATALOGUE = _ROOT / "tests" / "inventory" / "mutants"
PACKAGE = _ROOT / "services" / "inventory" / "inventory"


@dataclass(frozen=True, slots=True)
class Mutant:
    """What a shop would see of the bug, and the file of the package, the exact text and what stands there instead."""

    theme: str
    name: str
    seen: str
    file: str
    replaced: str
    replacement: str

    @property
    def is_lua(self) -> bool:
        """True for a bug of the functions in Redis."""
        return self.file.endswith(".lua")

    def occurrences(self) -> int:
        """How often the text stands in its file; once, or the mutant no longer applies."""
        return (PACKAGE / self.file).read_text().count(self.replaced)

    def source(self) -> str:
        """The file with the bug; raises ValueError when the text does not stand there exactly once."""
        if self.occurrences() != 1:
            raise ValueError(f"{self.name}: {self.occurrences()} times in {self.file}, not once: {self.replaced!r}")
        return (PACKAGE / self.file).read_text().replace(self.replaced, self.replacement)

    def copy_into(self, folder: Path) -> None:
        """A copy of the whole package that has the bug; `folder` goes onto the path before the real one."""
        copy = folder / PACKAGE.name
        shutil.copytree(PACKAGE, copy)
        (copy / self.file).write_text(self.source())


def catalogue() -> list[Mutant]:
    """Every mutant, by theme."""
    return [
        Mutant(theme=file.stem, **fields)
        for file in sorted(CATALOGUE.glob("*.toml"))
        for fields in tomllib.loads(file.read_text())["mutant"]
    ]
