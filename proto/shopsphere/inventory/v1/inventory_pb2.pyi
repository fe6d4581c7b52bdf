import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReservationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESERVATION_STATE_UNSPECIFIED: _ClassVar[ReservationState]
    RESERVATION_STATE_HELD: _ClassVar[ReservationState]
    RESERVATION_STATE_CONFIRMED: _ClassVar[ReservationState]
    RESERVATION_STATE_RELEASED: _ClassVar[ReservationState]
    RESERVATION_STATE_EXPIRED: _ClassVar[ReservationState]

class Bucket(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUCKET_UNSPECIFIED: _ClassVar[Bucket]
    BUCKET_ON_HAND: _ClassVar[Bucket]
    BUCKET_DAMAGED: _ClassVar[Bucket]
    BUCKET_QUALITY_CONTROL: _ClassVar[Bucket]

class Operation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_UNSPECIFIED: _ClassVar[Operation]
    OPERATION_DELTA: _ClassVar[Operation]
    OPERATION_SET: _ClassVar[Operation]
    OPERATION_COUNT: _ClassVar[Operation]
    OPERATION_MOVE: _ClassVar[Operation]
RESERVATION_STATE_UNSPECIFIED: ReservationState
RESERVATION_STATE_HELD: ReservationState
RESERVATION_STATE_CONFIRMED: ReservationState
RESERVATION_STATE_RELEASED: ReservationState
RESERVATION_STATE_EXPIRED: ReservationState
BUCKET_UNSPECIFIED: Bucket
BUCKET_ON_HAND: Bucket
BUCKET_DAMAGED: Bucket
BUCKET_QUALITY_CONTROL: Bucket
OPERATION_UNSPECIFIED: Operation
OPERATION_DELTA: Operation
OPERATION_SET: Operation
OPERATION_COUNT: Operation
OPERATION_MOVE: Operation

class GetAvailabilityRequest(_message.Message):
    __slots__ = ("sku", "location", "channel", "date")
    SKU_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    sku: str
    location: str
    channel: str
    date: str
    def __init__(self, sku: _Optional[str] = ..., location: _Optional[str] = ..., channel: _Optional[str] = ..., date: _Optional[str] = ...) -> None: ...

class BatchGetAvailabilityRequest(_message.Message):
    __slots__ = ("skus", "location", "channel", "date")
    SKUS_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    skus: _containers.RepeatedScalarFieldContainer[str]
    location: str
    channel: str
    date: str
    def __init__(self, skus: _Optional[_Iterable[str]] = ..., location: _Optional[str] = ..., channel: _Optional[str] = ..., date: _Optional[str] = ...) -> None: ...

class LocationAvailability(_message.Message):
    __slots__ = ("location", "on_hand", "reserved", "available_to_promise", "version", "damaged", "quality_control", "safety_stock", "available_beyond", "incoming", "available_later")
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    ON_HAND_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_TO_PROMISE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    QUALITY_CONTROL_FIELD_NUMBER: _ClassVar[int]
    SAFETY_STOCK_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_BEYOND_FIELD_NUMBER: _ClassVar[int]
    INCOMING_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_LATER_FIELD_NUMBER: _ClassVar[int]
    location: str
    on_hand: int
    reserved: int
    available_to_promise: int
    version: int
    damaged: int
    quality_control: int
    safety_stock: int
    available_beyond: int
    incoming: int
    available_later: int
    def __init__(self, location: _Optional[str] = ..., on_hand: _Optional[int] = ..., reserved: _Optional[int] = ..., available_to_promise: _Optional[int] = ..., version: _Optional[int] = ..., damaged: _Optional[int] = ..., quality_control: _Optional[int] = ..., safety_stock: _Optional[int] = ..., available_beyond: _Optional[int] = ..., incoming: _Optional[int] = ..., available_later: _Optional[int] = ...) -> None: ...

class Availability(_message.Message):
    __slots__ = ("sku", "on_hand", "reserved", "available_to_promise", "version", "as_of", "locations", "damaged", "quality_control", "safety_stock", "available_beyond", "incoming", "available_later", "epoch")
    SKU_FIELD_NUMBER: _ClassVar[int]
    ON_HAND_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_TO_PROMISE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    LOCATIONS_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    QUALITY_CONTROL_FIELD_NUMBER: _ClassVar[int]
    SAFETY_STOCK_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_BEYOND_FIELD_NUMBER: _ClassVar[int]
    INCOMING_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_LATER_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    sku: str
    on_hand: int
    reserved: int
    available_to_promise: int
    version: int
    as_of: _timestamp_pb2.Timestamp
    locations: _containers.RepeatedCompositeFieldContainer[LocationAvailability]
    damaged: int
    quality_control: int
    safety_stock: int
    available_beyond: int
    incoming: int
    available_later: int
    epoch: int
    def __init__(self, sku: _Optional[str] = ..., on_hand: _Optional[int] = ..., reserved: _Optional[int] = ..., available_to_promise: _Optional[int] = ..., version: _Optional[int] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., locations: _Optional[_Iterable[_Union[LocationAvailability, _Mapping]]] = ..., damaged: _Optional[int] = ..., quality_control: _Optional[int] = ..., safety_stock: _Optional[int] = ..., available_beyond: _Optional[int] = ..., incoming: _Optional[int] = ..., available_later: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class BatchGetAvailabilityResponse(_message.Message):
    __slots__ = ("as_of", "version", "availabilities", "missing", "epoch")
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITIES_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    as_of: _timestamp_pb2.Timestamp
    version: int
    availabilities: _containers.RepeatedCompositeFieldContainer[Availability]
    missing: _containers.RepeatedScalarFieldContainer[str]
    epoch: int
    def __init__(self, as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., availabilities: _Optional[_Iterable[_Union[Availability, _Mapping]]] = ..., missing: _Optional[_Iterable[str]] = ..., epoch: _Optional[int] = ...) -> None: ...

class ReservationLine(_message.Message):
    __slots__ = ("sku", "location", "quantity")
    SKU_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    sku: str
    location: str
    quantity: int
    def __init__(self, sku: _Optional[str] = ..., location: _Optional[str] = ..., quantity: _Optional[int] = ...) -> None: ...

class CreateReservationRequest(_message.Message):
    __slots__ = ("idempotency_key", "lines", "expires_in_seconds", "allow_partial", "channel")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    lines: _containers.RepeatedCompositeFieldContainer[ReservationLine]
    expires_in_seconds: int
    allow_partial: bool
    channel: str
    def __init__(self, idempotency_key: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[ReservationLine, _Mapping]]] = ..., expires_in_seconds: _Optional[int] = ..., allow_partial: _Optional[bool] = ..., channel: _Optional[str] = ...) -> None: ...

class ExtendReservationRequest(_message.Message):
    __slots__ = ("reservation_id", "idempotency_key", "expires_in_seconds")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    idempotency_key: str
    expires_in_seconds: int
    def __init__(self, reservation_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., expires_in_seconds: _Optional[int] = ...) -> None: ...

class TransferReservationRequest(_message.Message):
    __slots__ = ("reservation_id", "idempotency_key", "to_location", "from_location")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    TO_LOCATION_FIELD_NUMBER: _ClassVar[int]
    FROM_LOCATION_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    idempotency_key: str
    to_location: str
    from_location: str
    def __init__(self, reservation_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., to_location: _Optional[str] = ..., from_location: _Optional[str] = ...) -> None: ...

class GetReservationRequest(_message.Message):
    __slots__ = ("reservation_id",)
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    def __init__(self, reservation_id: _Optional[str] = ...) -> None: ...

class ConfirmReservationRequest(_message.Message):
    __slots__ = ("reservation_id", "idempotency_key", "lines")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    idempotency_key: str
    lines: _containers.RepeatedCompositeFieldContainer[ReservationLine]
    def __init__(self, reservation_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[ReservationLine, _Mapping]]] = ...) -> None: ...

class ReleaseReservationRequest(_message.Message):
    __slots__ = ("reservation_id", "idempotency_key")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    idempotency_key: str
    def __init__(self, reservation_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class Reservation(_message.Message):
    __slots__ = ("reservation_id", "state", "lines", "created_at", "expires_at", "ended_at", "version", "as_of", "confirmed", "unfilled", "channel", "epoch")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    UNFILLED_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    state: ReservationState
    lines: _containers.RepeatedCompositeFieldContainer[ReservationLine]
    created_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    version: int
    as_of: _timestamp_pb2.Timestamp
    confirmed: _containers.RepeatedCompositeFieldContainer[ReservationLine]
    unfilled: _containers.RepeatedCompositeFieldContainer[ReservationLine]
    channel: str
    epoch: int
    def __init__(self, reservation_id: _Optional[str] = ..., state: _Optional[_Union[ReservationState, str]] = ..., lines: _Optional[_Iterable[_Union[ReservationLine, _Mapping]]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confirmed: _Optional[_Iterable[_Union[ReservationLine, _Mapping]]] = ..., unfilled: _Optional[_Iterable[_Union[ReservationLine, _Mapping]]] = ..., channel: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class Adjustment(_message.Message):
    __slots__ = ("sku", "location", "bucket", "operation", "quantity", "to_bucket", "occurred_at", "if_version", "if_quantity")
    SKU_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TO_BUCKET_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    IF_VERSION_FIELD_NUMBER: _ClassVar[int]
    IF_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    sku: str
    location: str
    bucket: Bucket
    operation: Operation
    quantity: int
    to_bucket: Bucket
    occurred_at: _timestamp_pb2.Timestamp
    if_version: int
    if_quantity: int
    def __init__(self, sku: _Optional[str] = ..., location: _Optional[str] = ..., bucket: _Optional[_Union[Bucket, str]] = ..., operation: _Optional[_Union[Operation, str]] = ..., quantity: _Optional[int] = ..., to_bucket: _Optional[_Union[Bucket, str]] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., if_version: _Optional[int] = ..., if_quantity: _Optional[int] = ...) -> None: ...

class AdjustStockRequest(_message.Message):
    __slots__ = ("idempotency_key", "adjustments")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    adjustments: _containers.RepeatedCompositeFieldContainer[Adjustment]
    def __init__(self, idempotency_key: _Optional[str] = ..., adjustments: _Optional[_Iterable[_Union[Adjustment, _Mapping]]] = ...) -> None: ...

class ChangedItem(_message.Message):
    __slots__ = ("sku", "location", "bucket", "quantity", "reserved", "version")
    SKU_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    sku: str
    location: str
    bucket: Bucket
    quantity: int
    reserved: int
    version: int
    def __init__(self, sku: _Optional[str] = ..., location: _Optional[str] = ..., bucket: _Optional[_Union[Bucket, str]] = ..., quantity: _Optional[int] = ..., reserved: _Optional[int] = ..., version: _Optional[int] = ...) -> None: ...

class AdjustStockResponse(_message.Message):
    __slots__ = ("batch_id", "as_of", "changed", "epoch")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    as_of: _timestamp_pb2.Timestamp
    changed: _containers.RepeatedCompositeFieldContainer[ChangedItem]
    epoch: int
    def __init__(self, batch_id: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., changed: _Optional[_Iterable[_Union[ChangedItem, _Mapping]]] = ..., epoch: _Optional[int] = ...) -> None: ...

class GetLedgerRequest(_message.Message):
    __slots__ = ("sku", "at", "entries")
    SKU_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    sku: str
    at: _timestamp_pb2.Timestamp
    entries: int
    def __init__(self, sku: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., entries: _Optional[int] = ...) -> None: ...

class LedgerEntry(_message.Message):
    __slots__ = ("kind", "recorded_at", "occurred_at", "quantity", "on_hand_change", "reserved_change", "reference")
    KIND_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ON_HAND_CHANGE_FIELD_NUMBER: _ClassVar[int]
    RESERVED_CHANGE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    recorded_at: _timestamp_pb2.Timestamp
    occurred_at: _timestamp_pb2.Timestamp
    quantity: int
    on_hand_change: int
    reserved_change: int
    reference: str
    def __init__(self, kind: _Optional[str] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., quantity: _Optional[int] = ..., on_hand_change: _Optional[int] = ..., reserved_change: _Optional[int] = ..., reference: _Optional[str] = ...) -> None: ...

class LedgerShelf(_message.Message):
    __slots__ = ("location", "bucket", "quantity", "reserved", "version", "entries")
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    location: str
    bucket: Bucket
    quantity: int
    reserved: int
    version: int
    entries: _containers.RepeatedCompositeFieldContainer[LedgerEntry]
    def __init__(self, location: _Optional[str] = ..., bucket: _Optional[_Union[Bucket, str]] = ..., quantity: _Optional[int] = ..., reserved: _Optional[int] = ..., version: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[LedgerEntry, _Mapping]]] = ...) -> None: ...

class Ledger(_message.Message):
    __slots__ = ("sku", "as_of", "shelves", "epoch")
    SKU_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    SHELVES_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    sku: str
    as_of: _timestamp_pb2.Timestamp
    shelves: _containers.RepeatedCompositeFieldContainer[LedgerShelf]
    epoch: int
    def __init__(self, sku: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., shelves: _Optional[_Iterable[_Union[LedgerShelf, _Mapping]]] = ..., epoch: _Optional[int] = ...) -> None: ...

class SafetyStock(_message.Message):
    __slots__ = ("channel", "location", "sku_class", "units")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    SKU_CLASS_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    channel: str
    location: str
    sku_class: str
    units: int
    def __init__(self, channel: _Optional[str] = ..., location: _Optional[str] = ..., sku_class: _Optional[str] = ..., units: _Optional[int] = ...) -> None: ...

class SkuClass(_message.Message):
    __slots__ = ("sku", "sku_class")
    SKU_FIELD_NUMBER: _ClassVar[int]
    SKU_CLASS_FIELD_NUMBER: _ClassVar[int]
    sku: str
    sku_class: str
    def __init__(self, sku: _Optional[str] = ..., sku_class: _Optional[str] = ...) -> None: ...

class Allowance(_message.Message):
    __slots__ = ("sku", "location", "backorder_quota", "preorder_limit")
    SKU_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    BACKORDER_QUOTA_FIELD_NUMBER: _ClassVar[int]
    PREORDER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    sku: str
    location: str
    backorder_quota: int
    preorder_limit: int
    def __init__(self, sku: _Optional[str] = ..., location: _Optional[str] = ..., backorder_quota: _Optional[int] = ..., preorder_limit: _Optional[int] = ...) -> None: ...

class Incoming(_message.Message):
    __slots__ = ("sku", "location", "reference", "units", "expected_at")
    SKU_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_AT_FIELD_NUMBER: _ClassVar[int]
    sku: str
    location: str
    reference: str
    units: int
    expected_at: _timestamp_pb2.Timestamp
    def __init__(self, sku: _Optional[str] = ..., location: _Optional[str] = ..., reference: _Optional[str] = ..., units: _Optional[int] = ..., expected_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BundleComponent(_message.Message):
    __slots__ = ("sku", "quantity")
    SKU_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    sku: str
    quantity: int
    def __init__(self, sku: _Optional[str] = ..., quantity: _Optional[int] = ...) -> None: ...

class Bundle(_message.Message):
    __slots__ = ("sku", "components")
    SKU_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    sku: str
    components: _containers.RepeatedCompositeFieldContainer[BundleComponent]
    def __init__(self, sku: _Optional[str] = ..., components: _Optional[_Iterable[_Union[BundleComponent, _Mapping]]] = ...) -> None: ...

class Term(_message.Message):
    __slots__ = ("safety_stock", "sku_class", "allowance", "incoming", "bundle")
    SAFETY_STOCK_FIELD_NUMBER: _ClassVar[int]
    SKU_CLASS_FIELD_NUMBER: _ClassVar[int]
    ALLOWANCE_FIELD_NUMBER: _ClassVar[int]
    INCOMING_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    safety_stock: SafetyStock
    sku_class: SkuClass
    allowance: Allowance
    incoming: Incoming
    bundle: Bundle
    def __init__(self, safety_stock: _Optional[_Union[SafetyStock, _Mapping]] = ..., sku_class: _Optional[_Union[SkuClass, _Mapping]] = ..., allowance: _Optional[_Union[Allowance, _Mapping]] = ..., incoming: _Optional[_Union[Incoming, _Mapping]] = ..., bundle: _Optional[_Union[Bundle, _Mapping]] = ...) -> None: ...

class SetTermsRequest(_message.Message):
    __slots__ = ("idempotency_key", "terms")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    terms: _containers.RepeatedCompositeFieldContainer[Term]
    def __init__(self, idempotency_key: _Optional[str] = ..., terms: _Optional[_Iterable[_Union[Term, _Mapping]]] = ...) -> None: ...

class SetTermsResponse(_message.Message):
    __slots__ = ("count", "as_of", "epoch")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    count: int
    as_of: _timestamp_pb2.Timestamp
    epoch: int
    def __init__(self, count: _Optional[int] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., epoch: _Optional[int] = ...) -> None: ...

class GetTermsRequest(_message.Message):
    __slots__ = ("sku",)
    SKU_FIELD_NUMBER: _ClassVar[int]
    sku: str
    def __init__(self, sku: _Optional[str] = ...) -> None: ...

class Terms(_message.Message):
    __slots__ = ("terms",)
    TERMS_FIELD_NUMBER: _ClassVar[int]
    terms: _containers.RepeatedCompositeFieldContainer[Term]
    def __init__(self, terms: _Optional[_Iterable[_Union[Term, _Mapping]]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("after", "skus", "location")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SKUS_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    after: str
    skus: _containers.RepeatedScalarFieldContainer[str]
    location: str
    def __init__(self, after: _Optional[str] = ..., skus: _Optional[_Iterable[str]] = ..., location: _Optional[str] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("cursor", "sku", "location", "bucket", "quantity", "reserved", "version", "kind", "as_of", "is_low", "epoch")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    SKU_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    IS_LOW_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    sku: str
    location: str
    bucket: Bucket
    quantity: int
    reserved: int
    version: int
    kind: str
    as_of: _timestamp_pb2.Timestamp
    is_low: bool
    epoch: int
    def __init__(self, cursor: _Optional[str] = ..., sku: _Optional[str] = ..., location: _Optional[str] = ..., bucket: _Optional[_Union[Bucket, str]] = ..., quantity: _Optional[int] = ..., reserved: _Optional[int] = ..., version: _Optional[int] = ..., kind: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., is_low: _Optional[bool] = ..., epoch: _Optional[int] = ...) -> None: ...
