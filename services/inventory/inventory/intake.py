"""What was taken of the topics, each record once, in this process's memory, for the store in memory."""

from collections import Counter
from collections.abc import Callable, Sequence

from inventory.stock import ApplyMovement
from inventory.store import Positioned, SetAside, Taken, Tally


class Intake:
    """Offsets, positions set aside, and the counters kept on the way."""

    def __init__(self) -> None:
        self._offsets: dict[str, dict[int, int]] = {}
        self._totals: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()
        self._quarantined: set[tuple[str, int, int]] = set()

    def take(self, topic: str, batch: Sequence[Positioned], effect: Callable[[ApplyMovement | SetAside], str]) -> Tally:
        """Take what was not taken before; `effect` applies a record's content and tells the outcome."""
        offsets, tally = self._offsets.setdefault(topic, {}), Counter[str]()
        for positioned in batch:
            last = offsets.get(positioned.partition, -1)
            if positioned.offset <= last:
                tally["skipped"] += 1
                continue
            tally["gaps"] += positioned.offset > last + 1
            self._missing[topic] += positioned.offset - last - 1
            offsets[positioned.partition] = positioned.offset
            outcome = effect(positioned.content)
            tally.update([outcome, "movements"])
            if outcome == "quarantined":
                self._quarantined.add((topic, positioned.partition, positioned.offset))
        self._totals.update({name: tally[name] for name in tally if name not in ("skipped", "gaps")})
        return Tally(**tally)

    def offsets(self, topic: str) -> dict[int, int]:
        """The last offset taken of each partition."""
        return dict(self._offsets.get(topic, {}))

    def totals(self) -> Tally:
        """What was taken since the beginning, as it was counted on the way."""
        return Tally(**self._totals)

    def taken(self, topic: str, event_ids: int, outbox: int) -> Taken:
        """What was taken since the beginning, as the positions tell it."""
        offsets = self._offsets.get(topic, {}).values()
        return Taken(
            movements=sum(offset + 1 for offset in offsets) - self._missing[topic],
            quarantined=sum(position[0] == topic for position in self._quarantined),
            event_ids=event_ids,
            outbox=outbox,
        )
