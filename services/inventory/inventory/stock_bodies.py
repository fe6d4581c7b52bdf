"""What the REST door takes and gives of a warehouse's calls, as JSON: adjustments and ledgers."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field

from inventory import answers
from inventory.adjustments import Adjustment, ChangeBy, CountAs, MoveTo, SetTo
from inventory.bodies import Epoch, Location, Request, Sku
from inventory.journal import Bucket, Item, StockEvent
from inventory.requests import ADJUSTMENTS_MAX
from inventory.stock import UNITS_MAX

Quantity = Annotated[int, Field(strict=True, json_schema_extra={"minimum": 0, "maximum": UNITS_MAX})]
SignedQuantity = Annotated[int, Field(strict=True, json_schema_extra={"minimum": -UNITS_MAX, "maximum": UNITS_MAX})]
Condition = Annotated[int | None, Field(strict=True)]


class _AdjustmentBody(Request):
    sku: Sku
    location: Location
    bucket: Bucket = Bucket.ON_HAND
    if_version: Condition = None
    if_quantity: Condition = None

    @property
    def item(self) -> Item:
        """The item it names."""
        return Item(self.sku, self.location, self.bucket)


class DeltaBody(_AdjustmentBody):
    """So many units more (or less)."""

    operation: Literal["delta"]
    quantity: SignedQuantity

    def asked(self) -> Adjustment:
        """As the application takes it."""
        return ChangeBy(
            item=self.item, quantity=self.quantity, if_version=self.if_version, if_quantity=self.if_quantity
        )


class SetBody(_AdjustmentBody):
    """So many units from now on."""

    operation: Literal["set"]
    quantity: Quantity

    def asked(self) -> Adjustment:
        """As the application takes it."""
        return SetTo(item=self.item, quantity=self.quantity, if_version=self.if_version, if_quantity=self.if_quantity)


class CountBody(_AdjustmentBody):
    """So many units were counted at `occurred_at`; what moved since then comes on top."""

    operation: Literal["count"]
    quantity: Quantity
    occurred_at: AwareDatetime

    def asked(self) -> Adjustment:
        """As the application takes it."""
        return CountAs(
            item=self.item,
            quantity=self.quantity,
            occurred_at=self.occurred_at,
            if_version=self.if_version,
            if_quantity=self.if_quantity,
        )


class MoveBody(_AdjustmentBody):
    """So many units into another bucket of the location."""

    operation: Literal["move"]
    quantity: Quantity
    to_bucket: Bucket

    def asked(self) -> Adjustment:
        """As the application takes it."""
        return MoveTo(
            item=self.item,
            quantity=self.quantity,
            bucket=self.to_bucket,
            if_version=self.if_version,
            if_quantity=self.if_quantity,
        )


AdjustmentBody = Annotated[DeltaBody | SetBody | CountBody | MoveBody, Field(discriminator="operation")]


class AdjustmentsBody(Request):
    """A batch: all of it is done, or nothing."""

    adjustments: Annotated[list[AdjustmentBody], Field(json_schema_extra={"minItems": 1, "maxItems": ADJUSTMENTS_MAX})]


class ChangedAnswer(BaseModel):
    """An item after its change, units."""

    sku: str
    location: str
    bucket: Bucket
    quantity: int
    reserved: int
    version: int


class AdjustmentsAnswer(BaseModel):
    """The items that a batch changed, in its order."""

    batch_id: str
    as_of: datetime
    epoch: Epoch
    changed: list[ChangedAnswer]

    @classmethod
    def of(cls, made: answers.Adjustments) -> Self:
        """Encode what the application answered."""
        changed = [
            ChangedAnswer(
                sku=item.sku,
                location=item.location,
                bucket=item.bucket,
                quantity=balance.on_hand,
                reserved=balance.reserved,
                version=balance.version,
            )
            for item, balance in made.adjusted.balances
        ]
        return cls(batch_id=made.adjusted.batch_id, as_of=made.as_of, epoch=made.epoch, changed=changed)


class EntryAnswer(BaseModel):
    """An entry of a journal: what happened, when, and what it changed."""

    kind: str
    recorded_at: datetime
    occurred_at: datetime
    quantity: int
    on_hand_change: int
    reserved_change: int
    reference: str

    @classmethod
    def of(cls, event: StockEvent) -> Self:
        """Encode an event."""
        return cls(
            kind=event.kind,
            recorded_at=event.recorded_at,
            occurred_at=event.occurred_at,
            quantity=event.quantity,
            on_hand_change=event.on_hand_change,
            reserved_change=event.reserved_change,
            reference=event.reference,
        )


class ShelfAnswer(BaseModel):
    """An item as of the ledger's time, and its newest entries, the newest first."""

    location: str
    bucket: Bucket
    quantity: int
    reserved: int
    version: int
    entries: list[EntryAnswer]


class LedgerAnswer(BaseModel):
    """A sku on all its shelves, as of a time."""

    sku: str
    as_of: datetime
    epoch: Epoch
    shelves: list[ShelfAnswer]

    @classmethod
    def of(cls, found: answers.SkuLedger) -> Self:
        """Encode what the application found."""
        shelves = [
            ShelfAnswer(
                location=shelf.item.location,
                bucket=shelf.item.bucket,
                quantity=shelf.balance.on_hand,
                reserved=shelf.balance.reserved,
                version=shelf.balance.version,
                entries=[EntryAnswer.of(event) for event in shelf.entries],
            )
            for shelf in sorted(found.shelves, key=lambda shelf: shelf.item)
        ]
        return cls(sku=found.sku, as_of=found.as_of, epoch=found.epoch, shelves=shelves)
