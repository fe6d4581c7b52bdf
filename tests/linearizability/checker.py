"""Whether a history is linearizable: object by object, quickly where it is, thoroughly where it seems not to be."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from linearizability.breadth_first import Stuck, first_unexplained
from linearizability.configurations import AnyModel
from linearizability.depth_first import finds_order
from linearizability.moments import AnyOperation, moments
from linearizability.partition import Keys, partition

# Configurations that a search through all of them may look at, so many beside some for each return: ten seconds' worth.
CONFIGURATIONS_MAX = 500_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many operations were looked at, and by objects where a history goes wrong."""

    operations: int
    stuck: dict[Keys, Stuck]

    @property
    def is_linearizable(self) -> bool:
        """True when an order was found for every object."""
        return not self.stuck

    @property
    def is_refuted(self) -> bool:
        """True when some object has no order; where neither holds, there was too much to try."""
        return any(stuck.is_proven for stuck in self.stuck.values())


def check(history: Iterable[AnyOperation], model: AnyModel, *, configurations_max: int = CONFIGURATIONS_MAX) -> Verdict:
    """Check all objects, each against the model."""
    parts = partition(history)
    found = {keys: check_object(operations, model, configurations_max) for keys, operations in parts.items()}
    return Verdict(sum(map(len, parts.values())), {keys: stuck for keys, stuck in found.items() if stuck is not None})


def check_object(
    operations: Iterable[AnyOperation], model: AnyModel, configurations_max: int = CONFIGURATIONS_MAX
) -> Stuck | None:
    """Where the history of one object goes wrong, or of several that operations tie together."""
    history = moments(operations, model)
    if finds_order(model, history):
        return None
    # Leaving out what is hardly of use leads to the place where a history goes wrong even when all is too much to try.
    likely = first_unexplained(model, history, configurations_max, thorough=False)
    if likely is None:
        return None
    found = first_unexplained(model, history, configurations_max, thorough=True)
    return found if found is None or found.is_proven else replace(likely, is_proven=False)
