"""One simulation: a seed decides who works, what goes wrong and in which order, and the verdict is part of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from ingest_torture.chance import stream
from inventory import audit
from inventory.journal import fold
from inventory_builders import NOON, TOPIC
from inventory_torture.actors import Till, Worker, publish
from inventory_torture.fold import plain_fold
from inventory_torture.server import REFUSALS, Copy, SimulatedRedis
from inventory_torture.shop import Shop
from inventory_torture.stream import Group, SimulatedDeadLetters, SimulatedTopic
from inventory_torture.turns import Process, at_once
from inventory_torture.watch import InvariantBroken, demand
from shopsphere_kit.clock import ManualClock

STEPS = 400
# To drain a topic of a few dozen records takes some hundred turns.
CALM_TURNS_MAX = 20_000
WORKERS = ("worker-0", "worker-1")


@dataclass(frozen=True, slots=True)
class Failure:
    """What broke in the simulation of a seed."""

    seed: int
    told: str


class Simulation:
    """Everything that takes part in one run."""

    def __init__(self, seed: int) -> None:
        self.draw, self._seed = stream(seed, "simulation"), seed
        self.clock = ManualClock(NOON)
        self.redis = SimulatedRedis(self.draw, self.clock)
        self.topic = SimulatedTopic(self.draw)
        self.letters = SimulatedDeadLetters(self.topic, self.draw)
        self.group = Group(WORKERS, self.draw)
        self.faults = Counter[str]()
        self._copy: Copy | None = None
        self._waits_for: dict[int, int] = {}
        self._step = 0
        self._make_processes()
        self._weather()

    def run(self) -> None:
        """Let everything happen, calm down, and judge; raises InvariantBroken."""
        for self._step in range(STEPS):
            self.clock.advance(timedelta(milliseconds=self.draw.choice((0, 0, 500, 1000))))
            if self.draw.random() < self._rate:
                self._something_goes_wrong()
            self.draw.choice(self._awake()).resume()
        self._calm_down()
        self._judge()

    def _make_processes(self) -> None:
        till = Till("till", self.topic, self.clock, stream(self._seed, "till"))
        shops = [Shop(name, self.redis, self.clock, self.draw) for name in ("shop-0", "shop-1")]
        self._shops = [Process(f"shop-{number}", shop.run) for number, shop in enumerate(shops)]
        self._workers = [
            Process(name, Worker(name, self.redis, self.topic, self.letters, self.group).run) for name in WORKERS
        ]
        self._publisher = Process("publisher", partial(publish, self.redis, self.topic))
        self._till = Process("till", till.run)

    def _weather(self) -> None:
        """Which faults there are in this run, how often, and how many answers are lost."""
        faults: list[Callable[[], None]] = [
            *(self.kill, self.kill, self.sleep, self.rebalance, self.refuse, self.change_clock),
            *(self.flush, self.keep_copy, self.put_back),
        ]
        old_copies = [self.keep_copy, self.put_back]
        self._possible = [fault for fault in faults if self.draw.random() < 0.5]
        self._possible = old_copies if self.draw.random() < 0.15 else self._possible
        self._rate = self.draw.choice((0.0, 0.02, 0.1)) if self._possible else 0.0
        self.redis.lost_answers = self.draw.choice((0.0, 0.0, 0.05, 0.2))
        self.topic.lost_answers = self.draw.choice((0.0, 0.0, 0.1, 0.3))

    def _something_goes_wrong(self) -> None:
        fault = self.draw.choice(self._possible)
        self.faults[fault.__name__] += 1
        fault()

    def kill(self) -> None:
        """A process is killed wherever it is."""
        self.draw.choice([*self._workers, *self._shops, self._publisher]).kill()

    def sleep(self) -> None:
        """A worker stops for longer than its session, and its partitions go to the other: it wakes up as a zombie."""
        sleeper = self.draw.choice(self._workers)
        sleeper.sleeps_until = self._step + self.draw.randrange(5, 60)
        self.group.rebalance(without=sleeper.name)

    def rebalance(self) -> None:
        """A new generation; who is in the midst of a batch does not know it yet."""
        self.group.rebalance()

    def refuse(self) -> None:
        """Redis refuses everything, until it does so no longer."""
        self.redis.refuses = None if self.redis.refuses else self.draw.choice(REFUSALS)

    def change_clock(self) -> None:
        """Redis' clock is set by an hour."""
        self.clock.advance(timedelta(hours=self.draw.choice((-1, 1))))

    def flush(self) -> None:
        """FLUSHALL; the doors are opened again when the workers have caught up."""
        self.redis.flush()
        self._waits_for = self.topic.ends()

    def keep_copy(self) -> None:
        """Somebody makes a backup."""
        self._copy = self.redis.copied()

    def put_back(self) -> None:
        """Somebody puts it back."""
        if self._copy:
            self.redis.put_back(self._copy)
        if self.redis.went_back:
            self._take_it_as_it_is()

    def _take_it_as_it_is(self) -> None:
        """What the README says: reopen, start the workers, and the doors when those have caught up."""
        for each in (*self._workers, *self._shops, self._publisher):
            each.resume()
            each.kill()
        self.redis.reopen()
        self._waits_for = self.topic.ends()

    def _awake(self) -> list[Process]:
        workers = [each for each in self._workers if each.sleeps_until <= self._step]
        # A shop has most to do: each of its requests takes a few turns.
        shops = self._shops * 2 if self._has_caught_up() else []
        return [*workers, self._publisher, self._till, *shops]

    def _has_caught_up(self) -> bool:
        taken = self.redis.store._intake.offsets(TOPIC)
        return all(taken.get(partition, -1) + 1 >= end for partition, end in self._waits_for.items())

    def _calm_down(self) -> None:
        self.redis.refuses, self.redis.lost_answers, self.topic.lost_answers = None, 0.0, 0.0
        self.group.rebalance()
        for _ in range(CALM_TURNS_MAX):
            for each in (*self._workers, self._publisher):
                each.resume()
            self._waits_for = self.topic.ends()
            if self._has_caught_up() and not self.redis.store._outbox:
                return
        raise InvariantBroken("I4 the workers and the outbox do not come to rest")

    def _judge(self) -> None:
        store = self.redis.store
        on_hand, event_ids = plain_fold([value for values in self.topic.partitions for value in values])
        kept = {(item.sku, item.location, str(item.bucket)): each.on_hand for item, each in store._balances.items()}
        demand(kept == on_hand, "I7 stock is not what the topic tells", (kept, on_hand))
        demand(store._event_ids == event_ids, "I4 event ids", store._event_ids ^ event_ids)
        for item, journal in store._journals.items():
            demand(fold(journal) == store._balances[item], "I7 a balance is not the fold of its journal", item)
        demand(at_once(audit.run(store)).differences == 0, "I7 the audit finds differences", "")
        set_aside = {(partition, offset) for _, partition, offset in store._intake._quarantined}
        letters = {(partition, offset) for partition, offset, _ in self.letters.letters}
        demand(letters == set_aside, "a record was set aside without a letter, or the other way", letters ^ set_aside)


def simulate(seed: int) -> Failure | None:
    """Run the simulation of a seed; what broke, or None."""
    try:
        Simulation(seed).run()
    except Exception as error:
        return Failure(seed, f"{type(error).__name__}: {error}")
    return None


def simulate_many(first_seed: int, runs: int, tell: Callable[[int], None] = lambda _: None) -> Failure | None:
    """The first failure among so many simulations, whose seeds count up from the first."""
    for number in range(runs):
        if failed := simulate(first_seed + number):
            return failed
        tell(number + 1)
    return None
