"""Records of the topics, and rows of files: repeated, contradicting each other, rejected, put right later."""

from bronze_builders import Row, a_label, a_movement, a_record, an_event
from transform import bronze
from transform_torture.delivery import Log
from transform_torture.people import USERS, user_id
from transform_torture.trade import ORDERS, PRODUCTS, order_id, sku

_KINDS = ("count", "sale", "receipt", "return", "transfer", "adjustment")


def streams(log: Log) -> None:
    """Movements, events and labels; ids are few, so that deliveries share them."""
    chance = log.chance
    for _ in range(chance.randrange(4, 16)):
        log.add(bronze.STOCK_MOVEMENTS, _record(log, _movement(log)))
    for _ in range(chance.randrange(2, 10)):
        log.add(bronze.EVENTS, _record(log, _event(log)))
    for _ in range(chance.randrange(1, 5)):
        log.add(bronze.FRAUD_LABELS, _record(log, _label(log)))


def _record(log: Log, value: Row) -> Row:
    drawn = log.chance.random()
    if drawn < 0.05:
        return a_record(b"?")
    rejected = {"_rejected": "not valid"} if drawn < 0.1 else {}
    return a_record(value, **rejected)


def _movement(log: Log) -> Row:
    chance = log.chance
    return a_movement(
        chance.choice(_KINDS),
        chance.choice((-2, -1, 0, 3, 7, "many")),
        chance.randrange(20) / 4,
        event_id=f"m{log.history}-{chance.randrange(10)}",
        sequence=chance.randrange(9),
        sku=sku(log.history, chance.randrange(PRODUCTS)),
        location=chance.choice((f"S{log.history}", "a shelf")),
    )


def _event(log: Log) -> Row:
    chance = log.chance
    return an_event(
        chance.choice(("page_viewed", "danced")),
        chance.randrange(20) / 4,
        event_id=f"e{log.history}-{chance.randrange(6)}",
        sequence=chance.randrange(9),
        user_id=chance.choice((user_id(log.history, chance.randrange(USERS)), "nobody")),
        session_id=f"s{log.history}",
    )


def _label(log: Log) -> Row:
    chance = log.chance
    order = str(order_id(log.history, chance.randrange(ORDERS)))
    return a_label(order, event_id=f"l{log.history}-{chance.randrange(3)}", is_fraud=chance.choice((True, False, 7)))


def files(log: Log) -> None:
    """Rows of Online Retail's files, some of them twice in other words."""
    chance, h = log.chance, log.history
    for _ in range(chance.randrange(7)):
        invoice = chance.choice((f"{h}0", f"{h}1", f"C{h}0", f" {h}0", "X"))
        log.add(bronze.ONLINE_RETAIL, _row(log, invoice))


def _row(log: Log, invoice: str) -> Row:
    chance = log.chance
    return {
        "InvoiceNo": invoice,
        "StockCode": sku(log.history, chance.randrange(PRODUCTS)),
        "Description": chance.choice(("LANTERN", "lantern", None)),
        "Quantity": chance.choice(("1", "-1", " 1", "x")),
        "InvoiceDate": "2010-12-01 08:26:00",
        "UnitPrice": chance.choice(("2.55", "0", "-1")),
        "CustomerID": chance.choice((f"{log.history}", f"{log.history}.0", None)),
        "Country": "France",
    }
