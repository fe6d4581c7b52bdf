"""The replay as its callers see it: figures of the input, the bridge to the platform's totals, seeding, days, truth."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice, takewhile
from pathlib import Path
from typing import Final, TypedDict

from shopsphere_kit.errors import InvalidArgument

from shopsphere_local.journey import kafka, mongo, postgres
from shopsphere_local.journey.bootstrap import Connections, open_admin, open_connections
from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.dataset import DAYS_IN_DATASET, Dataset, Figures
from shopsphere_local.journey.days import Day, World, label_for, order_days, replay
from shopsphere_local.journey.fraud import FraudPlan, Scenario
from shopsphere_local.journey.orders import Order
from shopsphere_local.journey.people import People
from shopsphere_local.journey.rates import CARD_FACTOR
from shopsphere_local.journey.stores import build_stores

# The first day of the data: the seed says nothing more.
DEFAULT_SEED: Final = 20170101


class BridgeLine(TypedDict):
    """A named difference between the input and the order lines; amount in dollars."""

    lines: int
    quantity: int
    amount: Decimal


class Journey:
    """The first `days` days (1 … 365) of the replay under a seed; holds the data files open until `close`."""

    def __init__(self, days: int, seed: int = DEFAULT_SEED) -> None:
        if not 1 <= days <= DAYS_IN_DATASET:
            raise InvalidArgument(f"days: the data hold 1 to {DAYS_IN_DATASET} days, not {days}", field="days")
        self.days_count = days
        dataset = Dataset()
        chance = Chance(seed)
        people = People(chance, dataset)
        self._store_ids = dataset.stores()
        self._world = World(dataset, chance, people, FraudPlan(chance, self._store_ids, people.households))

    def close(self) -> None:
        """Let go of the data files."""
        self._world.dataset.close()

    def input_figures(self) -> Figures:
        """What the package's files hold for the chosen days; sales_value in dollars."""
        return self._world.dataset.figures(self.days_count)

    def bridge(self) -> dict[str, BridgeLine]:
        """What the replay adds to the input: input + every line here = order lines of all channels, to the cent."""
        uplift, returns = [0, 0, 0], [0, 0, 0]
        for order in self.orders():
            if order.scenario is Scenario.CARD:
                # Of five times the original, four are added; every amount is a multiple of five.
                _add(uplift, 0, order.quantity * (CARD_FACTOR - 1) // CARD_FACTOR)
                uplift[2] += order.amount * (CARD_FACTOR - 1) // CARD_FACTOR
            elif order.is_return:
                _add(returns, len(order.lines), order.quantity)
                returns[2] += order.amount
        return {"fraud_uplift": _bridge_line(uplift), "returns": _bridge_line(returns)}

    def orders(self) -> Iterator[Order]:
        """The chosen days' orders and returns with their truth, for checks outside the platform."""
        chosen = takewhile(lambda pair: pair[0] < self.days_count, order_days(self._world))
        return (order for _, orders in chosen for order in orders)

    def write_truth(self, file: Path) -> int:
        """Write the fraudulent orders of the chosen days as CSV, to be kept outside the platform; returns how many."""
        count = 0
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(("order_id", "channel", "scenario", "ordered_at", "label_known_at"))
            for order in self.orders():
                label = label_for(self._world.chance, order)
                if order.scenario is not None and label is not None:
                    known_at, at = label.known_at.isoformat(), order.ordered_at.isoformat()
                    writer.writerow((order.key, order.channel, order.scenario, at, known_at))
                    count += 1
        return count

    def seed_sources(self, dsn: str, mongo_uri: str, bootstrap: str) -> None:
        """Create schema, collection and topics and put in what exists on the day before the first.

        Raises FailedPrecondition when the shop already has customers: the replay starts on empty sources.
        """
        with open_connections(dsn, mongo_uri, bootstrap) as connections:
            stores = build_stores(self._world.chance, self._store_ids)
            users = [versions[0] for versions in self._world.people.versions.values()]
            postgres.seed(connections.postgres, users, self._world.dataset.products(), stores)
            mongo.create_collection(connections.marketplace)
            kafka.create_topics(open_admin(bootstrap))

    def days(self) -> Iterator[Day]:
        """The chosen days in the order of time."""
        return islice(replay(self._world), self.days_count)

    @staticmethod
    def replay_day(day: Day, connections: Connections) -> None:
        """Write one day into the three systems of record; returns when all three have acknowledged it."""
        postgres.write_day(connections.postgres, day.transactions)
        mongo.write_day(connections.marketplace, day.operations)
        kafka.write_day(connections.producer, day.messages)


def _add(sums: list[int], lines: int, quantity: int) -> None:
    sums[0] += lines
    sums[1] += quantity


def _bridge_line(sums: list[int]) -> BridgeLine:
    return BridgeLine(lines=sums[0], quantity=sums[1], amount=Decimal(sums[2]).scaleb(-2))
