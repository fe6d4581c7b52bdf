"""What clients would record of an object that is correct, or at times forgets or answers from the past."""

from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple, Protocol

from linearizability import register_model, stock_model
from linearizability.moments import AnyOperation
from linearizability.operation import LOST, Operation


class Span(NamedTuple):
    """When an operation takes effect, between its call and its return."""

    effect: float
    client: int
    called: int
    returned: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """The shares of operations whose answer is lost, that answer from an earlier state, whose effect is forgotten."""

    lost: float = 0
    stale: float = 0
    forgotten: float = 0


class Clients(Protocol):
    """Clients of one object, which call by what they were told before."""

    model: Any

    def call(self, draw: Random, client: int) -> Any:
        """What a client calls next."""

    def learn(self, client: int, call: Any, answer: Any) -> None:
        """A client is told the answer of its call."""


def overlapping(draw: Random, operations: int) -> list[Span]:
    """Few operations, all of which may overlap; some begin or end at one instant."""
    longest, calls = draw.choice((2, 6, 12, 24)), [draw.randrange(20) for _ in range(operations)]
    spans = ((client, called, called + draw.randrange(longest)) for client, called in enumerate(calls))
    return [Span(draw.uniform(called, returned), client, called, returned) for client, called, returned in spans]


def in_turn(draw: Random, operations: int, clients: int, busy: float) -> list[Span]:
    """Clients that call one operation after the other, and are at it for a share of the time, 0 to 1."""
    spans = list[Span]()
    for client in range(clients):
        at = 0
        for _ in range(client, operations, clients):
            lasts = draw.randrange(500, 1_500)
            called = at + 1 + int(draw.expovariate(busy / (1_000 * (1 - busy)))) if busy < 1 else at + 1
            at = called + lasts
            spans.append(Span(called + draw.randrange(lasts), client, called, at))
    return spans


def recorded(
    draw: Random, key: str, clients: Clients, spans: list[Span], trouble: Trouble = Trouble()
) -> list[AnyOperation]:
    """The operations by their effects; of the lost answers half had an effect, and half are known to have ended."""
    model = clients.model
    states, found, keys = [model.initial()], list[AnyOperation](), (key,)
    for _, client, called, returned in sorted(spans):
        call = clients.call(draw, client)
        answer = model.answer(draw.choice(states) if draw.random() < trouble.stale else states[-1], call)
        is_lost = draw.random() < trouble.lost
        if draw.random() >= (0.5 if is_lost else trouble.forgotten):
            states.append(model.step(states[-1], call, model.answer(states[-1], call)))
        if not is_lost:
            clients.learn(client, call, answer)
        end = None if is_lost and draw.random() < 0.5 else returned
        found.append(Operation(f"c{client}", keys, called, end, call, LOST if is_lost else answer))
    return found


class RegisterClients:
    """They read, write and compare a few values."""

    def __init__(self) -> None:
        self.model = register_model.RegisterModel()

    def call(self, draw: Random, client: int) -> register_model.Call:
        """Any call."""
        value, expected = draw.randrange(3), draw.randrange(3)
        return draw.choice(
            (register_model.Read(), register_model.Write(value), register_model.CompareAndSet(expected, value))
        )

    def learn(self, client: int, call: register_model.Call, answer: register_model.Answer) -> None:
        """They forget at once."""


class Shoppers:
    """They read, move stock, reserve, and end what is held, at times not by them."""

    def __init__(self, receipt: int = 3, foreign: float = 0.5) -> None:
        self.model = stock_model.StockModel()
        self._receipt, self._foreign = receipt, foreign
        self._holds: dict[int, list[str]] = {}
        self._count = 0

    def call(self, draw: Random, client: int) -> stock_model.Call:
        """A read in two of five calls."""
        chance = draw.random()
        if chance < 0.4:
            return stock_model.Read()
        if chance < 0.65:
            return stock_model.Adjust(draw.choice((-1, self._receipt)))
        own = self._holds.setdefault(client, [])
        if chance < 0.85 and len(own) < 3:
            self._count += 1
            return stock_model.Reserve(f"h{self._count}", draw.randint(1, 3))
        is_foreign = not own or draw.random() < self._foreign
        hold_id = f"h{draw.randint(1, self._count + 1)}" if is_foreign else own.pop()
        return draw.choice((stock_model.Confirm, stock_model.Confirm, stock_model.Release))(hold_id)

    def learn(self, client: int, call: stock_model.Call, answer: stock_model.Told) -> None:
        """A client remembers what it holds."""
        if isinstance(call, stock_model.Reserve) and answer is stock_model.Answer.HELD:
            self._holds[client].append(call.hold_id)
