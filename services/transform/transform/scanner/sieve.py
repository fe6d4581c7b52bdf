"""Gathers what was decoded until it is worth going over it: to prepare the search costs more than a page of bytes."""

from dataclasses import dataclass, field

from transform.scanner.canaries import Canaries
from transform.scanner.finds import Findings

# Held in memory at once; larger contents than a page come in parts.
GATHERED_BYTES = 16 * 2**20


@dataclass
class Sieve:
    """Contents of files, each with its place, searched together."""

    canaries: Canaries
    findings: Findings
    _places: list[tuple[str, str]] = field(default_factory=list)
    _contents: list[bytes] = field(default_factory=list)
    _bytes: int = 0

    def add(self, file: str, where: str, content: bytes) -> None:
        """Take something that may contain a text."""
        self._places.append((file, where))
        self._contents.append(content)
        self._bytes += len(content)
        if self._bytes >= GATHERED_BYTES:
            self.flush()

    def add_bound(self, file: str, where: str, bound: bytes) -> None:
        """Take a value that may be a text cut off."""
        if bound:
            self.findings.add(file, where, self.canaries.begun_by(bound))
            self.add(file, where, bound)

    def flush(self) -> None:
        """Search what was gathered."""
        for (file, where), numbers in zip(self._places, self.canaries.inside_each(self._contents), strict=True):
            self.findings.add(file, where, numbers)
        self._places, self._contents, self._bytes = [], [], 0
