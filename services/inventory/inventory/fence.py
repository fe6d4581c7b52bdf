"""Who may write: the rules of `functions/fence.lua` in this process's memory, for the store in memory."""

from collections.abc import Iterable, Mapping, Sequence

from inventory.errors import OwnerFenced, StockUnavailable
from inventory.redis_failures import BY_CODE
from inventory.store import Owned


class Fence:
    """The epoch of a data set, and the owner epochs of the partitions of its topics."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self._held: int | None = epoch
        self._owners: dict[tuple[str, int], int] = {}

    def lose_data_set(self) -> None:
        """As FLUSHALL does."""
        self._held = None
        self._owners.clear()

    def admit(self) -> None:
        """Raise StockUnavailable unless the data set is the one that was opened."""
        if self._held != self.epoch:
            failure = BY_CODE["EPOCHMISMATCH"]
            raise StockUnavailable(
                failure.meaning, reason=failure.reason, retry_after_seconds=failure.retry_after_seconds
            )

    def take_over(self, topic: str, partitions: Sequence[int], taken: Mapping[int, int]) -> dict[int, Owned]:
        """Own these partitions from now on; `taken` are the last offsets taken of the topic."""
        for partition in partitions:
            self._owners[topic, partition] = self._owners.get((topic, partition), 0) + 1
        return {each: Owned(self._owners[topic, each], taken.get(each, -1) + 1) for each in partitions}

    def admit_owner(self, topic: str, partitions: Iterable[int], owners: Mapping[int, int]) -> None:
        """Raise OwnerFenced unless `owners` has the owner epoch of every partition."""
        for partition in dict.fromkeys(partitions):
            epoch = self._owners.get((topic, partition), 0)
            if epoch != owners.get(partition, 0):
                raise OwnerFenced(f"partition {partition} has an owner of epoch {epoch}")
