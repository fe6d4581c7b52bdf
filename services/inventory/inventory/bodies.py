"""What the REST door takes and gives, as JSON."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from inventory import answers
from inventory.holds import HoldState, Line
from inventory.journal import NAME, Item
from inventory.requests import EXPIRES_IN_SECONDS_MAX, LINES_MAX, SKUS_MAX
from inventory.stock import UNITS_MAX
from inventory.store import View, end_of

_NAME_SCHEMA = {"pattern": f"^{NAME.pattern}$"}
# The bounds stand in the schema for clients to see; the application checks them, with one wording for both doors.
Sku = Annotated[str, Field(json_schema_extra={**_NAME_SCHEMA}, examples=["P1082185"])]
Location = Annotated[str, Field(json_schema_extra={**_NAME_SCHEMA}, examples=["S367"])]
Units = Annotated[int, Field(strict=True, json_schema_extra={"minimum": 1, "maximum": UNITS_MAX})]
Channel = Annotated[
    str,
    Field(json_schema_extra={**_NAME_SCHEMA}, description="Where it is sold, for its safety stock.", examples=["web"]),
]
Date = Annotated[date, Field(description="Up to the end of this day in UTC what is incoming counts.")]
Epoch = Annotated[int, Field(description="The data set that answered; holds of another epoch may be gone.")]
Seconds = Annotated[int, Field(strict=True, json_schema_extra={"minimum": 1, "maximum": EXPIRES_IN_SECONDS_MAX})]


class Request(BaseModel):
    """A body that refuses fields nobody reads, so that a typing error is not taken for a default."""

    model_config = ConfigDict(extra="forbid")


class BatchGetBody(Request):
    """The skus asked for, at one location or at all, in a channel, with what is incoming up to a date."""

    skus: Annotated[list[Sku], Field(json_schema_extra={"minItems": 1, "maxItems": SKUS_MAX})]
    location: Location | None = None
    channel: Channel | None = None
    date: Date | None = None

    def view(self) -> View:
        """How the application looks at the skus."""
        return view_of(self.location, self.channel, self.date)


class LineBody(Request):
    """Units of one sku at one location."""

    sku: Sku
    location: Location
    quantity: Units


Lines = Annotated[list[LineBody], Field(json_schema_extra={"minItems": 1, "maxItems": LINES_MAX})]


class _WithLines(Request):
    lines: Lines

    def asked(self) -> list[Line]:
        """The lines as the application takes them."""
        return [Line(Item(line.sku, line.location), line.quantity) for line in self.lines]


class ReservationBody(_WithLines):
    """A basket, and how long to hold it; with `allow_partial` as many units of each line as there are."""

    expires_in_seconds: Seconds
    channel: Channel | None = None
    allow_partial: Annotated[bool, Field(strict=True)] = False


class ExtendBody(Request):
    """How long the hold is to stand from now on, at least."""

    expires_in_seconds: Seconds


class TransferBody(Request):
    """Where the units are to be held; with `from_location` only those held there move."""

    to_location: Location
    from_location: Location | None = None


class ConfirmBody(_WithLines):
    """The lines that were sold; the rest is free again."""


class _Figures(BaseModel):
    on_hand: int
    reserved: int
    safety_stock: int
    available_to_promise: int
    available_beyond: Annotated[
        int, Field(description="May be promised although it is not there: backorder, preorder.")
    ]
    incoming: int
    available_later: Annotated[int, Field(description="May be promised when what is incoming has come.")]
    damaged: int
    quality_control: int
    version: int


class LocationAnswer(_Figures):
    """Availability at one location, units."""

    location: str


class AvailabilityAnswer(_Figures):
    """Availability of one sku; its own figures are the sums over `locations`."""

    sku: str
    as_of: datetime
    epoch: Epoch
    locations: list[LocationAnswer]

    @classmethod
    def of(cls, found: answers.SkuAvailability) -> Self:
        """Encode what the application found."""
        return cls(
            sku=found.sku,
            as_of=found.as_of,
            epoch=found.epoch,
            locations=[LocationAnswer(location=each, **found.figures(each)) for each in found.locations],
            **found.figures(),
        )


def view_of(location: str | None, channel: str | None, until: date | None) -> View:
    """How the application looks at skus; a day counts to its end."""
    return View(location, channel or "", end_of(until) if until else None)


class BatchAnswer(BaseModel):
    """Availability of the known skus, and the skus without a stock record."""

    as_of: datetime
    epoch: Epoch
    version: int
    availabilities: list[AvailabilityAnswer]
    missing: list[str]


class LineAnswer(BaseModel):
    """Units of one sku at one location."""

    sku: str
    location: str
    quantity: int

    @classmethod
    def several(cls, lines: Iterable[Line]) -> list[Self]:
        """Encode lines."""
        return [cls(sku=line.item.sku, location=line.item.location, quantity=line.quantity) for line in lines]


class ReservationAnswer(BaseModel):
    """A reservation as it was at `as_of`; the units sold when it ended, and those asked for that were not there."""

    reservation_id: str
    state: HoldState
    lines: list[LineAnswer]
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    version: int
    as_of: datetime
    epoch: Epoch
    confirmed: list[LineAnswer]
    unfilled: list[LineAnswer]
    channel: str

    @classmethod
    def of(cls, reservation: answers.Reservation) -> Self:
        """Encode what the application answered."""
        hold = reservation.hold
        return cls(
            reservation_id=hold.reservation_id,
            state=hold.state,
            lines=LineAnswer.several(hold.lines),
            created_at=hold.created_at,
            expires_at=hold.expires_at,
            ended_at=hold.ended_at,
            version=hold.version,
            as_of=reservation.as_of,
            epoch=reservation.epoch,
            confirmed=LineAnswer.several(hold.confirmed),
            unfilled=LineAnswer.several(hold.unfilled),
            channel=hold.channel,
        )
