"""How much there is of everything, as a release states it: an incremental run adds what it changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_KINDS = ("rows", "quarantined", "delivered", "repeated")


@dataclass
class Counts:
    """Rows and quarantined rows by table, delivered rows and repetitions by fold, and the tallies of judged frames."""

    rows: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    delivered: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)
    tallies: dict[str, dict[str, int]] = field(default_factory=dict)

    def add_tallies(self, more: Mapping[str, Mapping[str, int]], sign: int = 1) -> None:
        """Add the tallies of judged frames; `sign` -1 takes them away."""
        for name, tallied in more.items():
            add(self.tallies.setdefault(name, {}), tallied, sign)

    def flat(self) -> dict[str, int]:
        """The counts under one name each: "rows gold.fact_order", "tally judged.events clean"."""
        flat = {f"{kind} {name}": count for kind in _KINDS for name, count in getattr(self, kind).items()}
        return flat | {f"tally {name} {what}": n for name, of in self.tallies.items() for what, n in of.items()}

    @classmethod
    def of(cls, flat: Mapping[str, int]) -> "Counts":
        """The counts that `flat` wrote down."""
        counts = cls()
        for name, count in flat.items():
            kind, rest = name.split(" ", 1)
            if kind == "tally":
                judged, what = rest.rsplit(" ", 1)
                counts.tallies.setdefault(judged, {})[what] = count
            else:
                getattr(counts, kind)[rest] = count
        return counts


def add(to: dict[str, int], more: Mapping[str, int], sign: int = 1) -> None:
    """Add counts name by name; `sign` -1 takes them away."""
    for name, count in more.items():
        to[name] = to.get(name, 0) + sign * count
