"""The messages of the gRPC door: requests as the application takes them, answers as messages."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from shopsphere.inventory.v1 import inventory_pb2 as pb
from shopsphere_kit.errors import InvalidArgument

from inventory import answers
from inventory.adjustments import Adjustment, ChangeBy, CountAs, MoveTo, SetTo
from inventory.changes import Changes
from inventory.holds import HoldState, Line
from inventory.journal import Bucket, Item, StockEvent
from inventory.store import View, end_of

STATES = {
    HoldState.HELD: pb.RESERVATION_STATE_HELD,
    HoldState.CONFIRMED: pb.RESERVATION_STATE_CONFIRMED,
    HoldState.RELEASED: pb.RESERVATION_STATE_RELEASED,
    HoldState.EXPIRED: pb.RESERVATION_STATE_EXPIRED,
}
BUCKETS = {
    Bucket.ON_HAND: pb.BUCKET_ON_HAND,
    Bucket.DAMAGED: pb.BUCKET_DAMAGED,
    Bucket.QUALITY_CONTROL: pb.BUCKET_QUALITY_CONTROL,
}
_BUCKETS_TOLD = {number: bucket for bucket, number in BUCKETS.items()} | {pb.BUCKET_UNSPECIFIED: Bucket.ON_HAND}


def view_of(request: pb.GetAvailabilityRequest | pb.BatchGetAvailabilityRequest) -> View:
    """How the application looks at skus; raises InvalidArgument."""
    try:
        until = end_of(date.fromisoformat(request.date)) if request.date else None
    except ValueError:
        raise InvalidArgument("date must be YYYY-MM-DD", field="date") from None
    return View(request.location or None, request.channel, until)


def lines_of(messages: Iterable[pb.ReservationLine]) -> list[Line]:
    """The lines that messages name."""
    return [Line(Item(line.sku, line.location), line.quantity) for line in messages]


def adjustments_of(messages: Iterable[pb.Adjustment]) -> list[Adjustment]:
    """The adjustments that messages name; raises InvalidArgument."""
    return [_adjustment(position, message) for position, message in enumerate(messages)]


def moment_of(message: Timestamp, field: str) -> datetime:
    """The moment in UTC; raises InvalidArgument for what is beyond the calendar."""
    try:
        return message.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument(f"{field} is no time between the years 1 and 9999", field=field) from None


def timestamp(moment: datetime) -> Timestamp:
    """The moment as a message."""
    encoded = Timestamp()
    encoded.FromDatetime(moment)
    return encoded


def changes(batch: Changes) -> Iterator[pb.Change]:
    """The messages of a batch; of an empty one, how far the stream has come."""
    if not batch.changes:
        yield pb.Change(cursor=str(batch.cursor), epoch=batch.cursor.epoch)
    for each in batch.changes:
        yield pb.Change(
            cursor=str(each.cursor),
            sku=each.item.sku,
            location=each.item.location,
            bucket=BUCKETS[each.item.bucket],
            quantity=each.quantity,
            reserved=each.reserved,
            version=each.version,
            kind=each.kind,
            as_of=timestamp(each.as_of),
            is_low=each.is_low,
            epoch=each.cursor.epoch,
        )


def availability(found: answers.SkuAvailability) -> pb.Availability:
    """What can be promised of a sku."""
    return pb.Availability(
        sku=found.sku,
        as_of=timestamp(found.as_of),
        epoch=found.epoch,
        locations=[pb.LocationAvailability(location=each, **found.figures(each)) for each in found.locations],
        **found.figures(),
    )


def reservation(made: answers.Reservation) -> pb.Reservation:
    """A reservation as it was."""
    hold = made.hold
    return pb.Reservation(
        reservation_id=hold.reservation_id,
        state=STATES[hold.state],
        lines=_lines(hold.lines),
        created_at=timestamp(hold.created_at),
        expires_at=timestamp(hold.expires_at),
        ended_at=timestamp(hold.ended_at) if hold.ended_at else None,
        version=hold.version,
        as_of=timestamp(made.as_of),
        epoch=made.epoch,
        confirmed=_lines(hold.confirmed),
        unfilled=_lines(hold.unfilled),
        channel=hold.channel,
    )


def adjusted(made: answers.Adjustments) -> pb.AdjustStockResponse:
    """The items that a batch changed."""
    return pb.AdjustStockResponse(
        batch_id=made.adjusted.batch_id,
        as_of=timestamp(made.as_of),
        epoch=made.epoch,
        changed=[
            pb.ChangedItem(
                sku=item.sku,
                location=item.location,
                bucket=BUCKETS[item.bucket],
                quantity=balance.on_hand,
                reserved=balance.reserved,
                version=balance.version,
            )
            for item, balance in made.adjusted.balances
        ],
    )


def ledger(found: answers.SkuLedger) -> pb.Ledger:
    """A sku on all its shelves."""
    shelves = [
        pb.LedgerShelf(
            location=shelf.item.location,
            bucket=BUCKETS[shelf.item.bucket],
            quantity=shelf.balance.on_hand,
            reserved=shelf.balance.reserved,
            version=shelf.balance.version,
            entries=[_entry(event) for event in shelf.entries],
        )
        for shelf in sorted(found.shelves, key=lambda shelf: shelf.item)
    ]
    return pb.Ledger(sku=found.sku, as_of=timestamp(found.as_of), epoch=found.epoch, shelves=shelves)


def _adjustment(position: int, message: pb.Adjustment) -> Adjustment:
    field = f"adjustments.{position}"
    item = Item(message.sku, message.location, _bucket(message.bucket, f"{field}.bucket"))
    if_version = message.if_version if message.HasField("if_version") else None
    if_quantity = message.if_quantity if message.HasField("if_quantity") else None
    match message.operation:
        case pb.OPERATION_DELTA:
            return ChangeBy(item=item, quantity=message.quantity, if_version=if_version, if_quantity=if_quantity)
        case pb.OPERATION_SET:
            return SetTo(item=item, quantity=message.quantity, if_version=if_version, if_quantity=if_quantity)
        case pb.OPERATION_COUNT:
            at = moment_of(message.occurred_at, f"{field}.occurred_at")
            return CountAs(
                item=item, quantity=message.quantity, occurred_at=at, if_version=if_version, if_quantity=if_quantity
            )
        case pb.OPERATION_MOVE:
            to = _bucket(message.to_bucket, f"{field}.to_bucket")
            return MoveTo(
                item=item, quantity=message.quantity, bucket=to, if_version=if_version, if_quantity=if_quantity
            )
    raise InvalidArgument("operation must be delta, set, count or move", field=f"{field}.operation")


def _bucket(number: int, field: str) -> Bucket:
    try:
        return _BUCKETS_TOLD[number]  # type: ignore[index]  # a number that no bucket has is looked for as well
    except KeyError:
        raise InvalidArgument("this bucket is none", field=field) from None


def _lines(lines: Iterable[Line]) -> list[pb.ReservationLine]:
    return [
        pb.ReservationLine(sku=line.item.sku, location=line.item.location, quantity=line.quantity) for line in lines
    ]


def _entry(event: StockEvent) -> pb.LedgerEntry:
    return pb.LedgerEntry(
        kind=event.kind,
        recorded_at=timestamp(event.recorded_at),
        occurred_at=timestamp(event.occurred_at),
        quantity=event.quantity,
        on_hand_change=event.on_hand_change,
        reserved_change=event.reserved_change,
        reference=event.reference,
    )
