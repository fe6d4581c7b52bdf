"""Random histories of the sources, as bronze has them: few keys, so that nearly every row is about one of before."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from bronze_builders import (
    Row,
    a_buyer,
    a_document,
    a_label,
    a_line,
    a_movement,
    a_product,
    a_record,
    a_retail_row,
    a_store,
    a_user,
    an_event,
    an_item,
    an_order,
    at,
    moment,
)
from transform import bronze
from transform.tables.latest import KEYS as KEYS_OF_LOGS

KEYS = (1, 2, 3)
# The columns that an update may leave out, by table.
_UNSENT = {bronze.USERS: "city", bronze.PRODUCTS: "brand", bronze.STORES: "name", bronze.ORDERS: "card_token"}
_UNSENT |= {bronze.ORDER_ITEMS: "sku", bronze.MARKETPLACE_ORDERS: "document"}


@dataclass(frozen=True)
class Histories:
    """Rows of one bronze table, drawn by chance."""

    table: str
    chance: Random

    def rows(self, number: int) -> list[Row]:
        """So many rows in no order, some of which were delivered twice; a change log was perhaps emptied once."""
        made = [self._row() for _ in range(number)]
        if self.table in bronze.LOGS and self._at_odds(2):
            made.insert(self.chance.randrange(number // 2), {**self._row(), "_op": "t", "_unchanged": None})
        placed = [{**row, "_position": f"{place:08d}/00000000"} for place, row in enumerate(made)]
        again = [
            {**row, "_ingested_at": at(9) + timedelta(hours=place)}
            for place, row in enumerate(self.chance.sample(placed, number // 4))
        ]
        return self.chance.sample(placed + again, len(placed) + len(again))

    def _at_odds(self, to_one: int) -> bool:
        return self.chance.randrange(to_one + 1) > 0

    def _row(self) -> Row:
        row = _ROWS[self.table](self.chance)
        if self.table not in bronze.LOGS:
            return row
        if self.table in KEYS_OF_LOGS and not self._at_odds(7):
            row |= {self.chance.choice(KEYS_OF_LOGS[self.table]): None}
        if not self._at_odds(4):
            return {**row, "_op": "d"}
        unsent = _UNSENT[self.table]
        return row if self._at_odds(2) else {**row, unsent: None, "_op": "u", "_unchanged": json.dumps([unsent])}


def _day(chance: Random) -> Any:
    return at(chance.randrange(6))


def _user(chance: Random) -> Row:
    key = chance.choice([*KEYS, None])
    return {**a_user(1, city=chance.choice(["Troy", "Rome", None]), updated_at=_day(chance)), "user_id": key}


def _document(chance: Random) -> Row:
    buyer = chance.choice([None, *(a_buyer(key, email=f"{chance.choice('ab')}@x.example") for key in KEYS)])
    items: object = chance.choice([[a_line(1)], [a_line(1), a_line(1)], "?", [a_line(1), a_line(2)]])
    placed_at = moment(_day(chance))
    return a_document(f"MP-{chance.choice(KEYS)}", items=items, buyer=buyer, placed_at=placed_at)


def _event(chance: Random) -> Row:
    name, kind = f"e{chance.choice(KEYS)}", chance.choice(["page_viewed", "danced"])
    event = an_event(kind=kind, event_id=name, occurred_at=_text(chance))
    return a_record(event if chance.randrange(5) else b"?")


def _movement(chance: Random) -> Row:
    units = chance.choice([1, 5, -1])
    return a_record(a_movement("receipt", units, chance.randrange(6), event_id=f"m{chance.choice(KEYS)}"))


def _label(chance: Random) -> Row:
    given = {"event_id": f"l{chance.choice(KEYS)}", "is_fraud": chance.choice([True, False, "maybe"])}
    return a_record(a_label(str(chance.choice(KEYS)), **given, occurred_at=_text(chance)))


def _text(chance: Random) -> str:
    return str(_day(chance).isoformat())


_ROWS: dict[str, Callable[[Random], Row]] = {
    bronze.USERS: _user,
    bronze.PRODUCTS: lambda chance: a_product(chance.choice(KEYS), brand=chance.choice("ab")),
    bronze.STORES: lambda chance: a_store(chance.choice(KEYS), city=chance.choice("ab")),
    bronze.ORDERS: lambda chance: an_order(chance.choice(KEYS), status=chance.choice(["placed", "cancelled"])),
    bronze.ORDER_ITEMS: lambda chance: an_item(
        chance.choice(KEYS), chance.choice([1, 2]), quantity=chance.choice(KEYS)
    ),
    bronze.MARKETPLACE_ORDERS: _document,
    bronze.EVENTS: _event,
    bronze.STOCK_MOVEMENTS: _movement,
    bronze.FRAUD_LABELS: _label,
    bronze.ONLINE_RETAIL: lambda chance: a_retail_row(chance.choice(KEYS), f"53636{chance.choice(KEYS)}"),
}
