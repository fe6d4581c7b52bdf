"""What a scan looked at and what it found; never a value."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, order=True)
class Hit:
    """A canary, by its number, in a file or a table of the catalog, and where in it."""

    file: str
    where: str
    canary: int


@dataclass
class Findings:
    """The result of a scan; `notes` say what could not be decoded and was only searched as bytes."""

    canaries: int
    files: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    pages: int = 0
    hits: set[Hit] = field(default_factory=set)
    notes: Counter[str] = field(default_factory=Counter)
    seen: list[tuple[str, int]] = field(default_factory=list)

    def add(self, file: str, where: str, numbers: set[int]) -> None:
        """Note canaries that were found at a place."""
        self.hits.update(Hit(file, where, number) for number in numbers)

    @property
    def sha256(self) -> str:
        """A hash of every file that was looked at, its size and what was found in it, in the order of their names."""
        hits = [asdict(hit) for hit in sorted(self.hits)]
        result = {"canaries": self.canaries, "files": sorted(self.seen), "hits": hits}
        return hashlib.sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()

    def as_json(self) -> dict[str, object]:
        """The report as plain values."""
        return {
            "canaries": self.canaries,
            "files": dict(sorted(self.files.items())),
            "bytes": self.bytes,
            "pages": self.pages,
            "hits": [asdict(hit) for hit in sorted(self.hits)],
            "notes": dict(sorted(self.notes.items())),
            "sha256": self.sha256,
        }
