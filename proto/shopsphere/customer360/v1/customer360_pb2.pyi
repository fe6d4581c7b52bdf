import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetCustomerRequest(_message.Message):
    __slots__ = ("customer_id",)
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    def __init__(self, customer_id: _Optional[str] = ...) -> None: ...

class LookupCustomerRequest(_message.Message):
    __slots__ = ("email", "phone")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    email: str
    phone: str
    def __init__(self, email: _Optional[str] = ..., phone: _Optional[str] = ...) -> None: ...

class ListTimelineRequest(_message.Message):
    __slots__ = ("customer_id", "page_size", "page_token")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    page_size: int
    page_token: str
    def __init__(self, customer_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetReleaseRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Customer(_message.Message):
    __slots__ = ("release_id", "masked", "customer_id", "person", "household", "marketing_consent", "accounts", "figures", "timeline_count", "version")
    RELEASE_ID_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    HOUSEHOLD_FIELD_NUMBER: _ClassVar[int]
    MARKETING_CONSENT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_COUNT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    release_id: str
    masked: bool
    customer_id: str
    person: Person
    household: Household
    marketing_consent: bool
    accounts: _containers.RepeatedCompositeFieldContainer[SourceAccount]
    figures: KeyFigures
    timeline_count: int
    version: str
    def __init__(self, release_id: _Optional[str] = ..., masked: _Optional[bool] = ..., customer_id: _Optional[str] = ..., person: _Optional[_Union[Person, _Mapping]] = ..., household: _Optional[_Union[Household, _Mapping]] = ..., marketing_consent: _Optional[bool] = ..., accounts: _Optional[_Iterable[_Union[SourceAccount, _Mapping]]] = ..., figures: _Optional[_Union[KeyFigures, _Mapping]] = ..., timeline_count: _Optional[int] = ..., version: _Optional[str] = ...) -> None: ...

class Person(_message.Message):
    __slots__ = ("first_name", "last_name", "email", "phone", "street", "city", "postal_code", "state", "birth_date", "loyalty_number", "emails", "phones")
    FIRST_NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_NAME_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    STREET_FIELD_NUMBER: _ClassVar[int]
    CITY_FIELD_NUMBER: _ClassVar[int]
    POSTAL_CODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BIRTH_DATE_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_NUMBER_FIELD_NUMBER: _ClassVar[int]
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    PHONES_FIELD_NUMBER: _ClassVar[int]
    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    city: str
    postal_code: str
    state: str
    birth_date: str
    loyalty_number: str
    emails: _containers.RepeatedScalarFieldContainer[str]
    phones: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, first_name: _Optional[str] = ..., last_name: _Optional[str] = ..., email: _Optional[str] = ..., phone: _Optional[str] = ..., street: _Optional[str] = ..., city: _Optional[str] = ..., postal_code: _Optional[str] = ..., state: _Optional[str] = ..., birth_date: _Optional[str] = ..., loyalty_number: _Optional[str] = ..., emails: _Optional[_Iterable[str]] = ..., phones: _Optional[_Iterable[str]] = ...) -> None: ...

class Household(_message.Message):
    __slots__ = ("age_band", "income_band", "household_size")
    AGE_BAND_FIELD_NUMBER: _ClassVar[int]
    INCOME_BAND_FIELD_NUMBER: _ClassVar[int]
    HOUSEHOLD_SIZE_FIELD_NUMBER: _ClassVar[int]
    age_band: str
    income_band: str
    household_size: str
    def __init__(self, age_band: _Optional[str] = ..., income_band: _Optional[str] = ..., household_size: _Optional[str] = ...) -> None: ...

class SourceAccount(_message.Message):
    __slots__ = ("source", "source_user_id")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_USER_ID_FIELD_NUMBER: _ClassVar[int]
    source: str
    source_user_id: str
    def __init__(self, source: _Optional[str] = ..., source_user_id: _Optional[str] = ...) -> None: ...

class KeyFigures(_message.Message):
    __slots__ = ("first_order_at", "last_order_at", "order_count", "line_count", "units", "total_amount", "returned_amount", "till_amount", "web_amount", "marketplace_amount", "favourite_store_id", "favourite_store_name", "favourite_department", "days_since_last_order")
    FIRST_ORDER_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_ORDER_AT_FIELD_NUMBER: _ClassVar[int]
    ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    LINE_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    RETURNED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TILL_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WEB_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    MARKETPLACE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FAVOURITE_STORE_ID_FIELD_NUMBER: _ClassVar[int]
    FAVOURITE_STORE_NAME_FIELD_NUMBER: _ClassVar[int]
    FAVOURITE_DEPARTMENT_FIELD_NUMBER: _ClassVar[int]
    DAYS_SINCE_LAST_ORDER_FIELD_NUMBER: _ClassVar[int]
    first_order_at: _timestamp_pb2.Timestamp
    last_order_at: _timestamp_pb2.Timestamp
    order_count: int
    line_count: int
    units: int
    total_amount: str
    returned_amount: str
    till_amount: str
    web_amount: str
    marketplace_amount: str
    favourite_store_id: int
    favourite_store_name: str
    favourite_department: str
    days_since_last_order: int
    def __init__(self, first_order_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_order_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., order_count: _Optional[int] = ..., line_count: _Optional[int] = ..., units: _Optional[int] = ..., total_amount: _Optional[str] = ..., returned_amount: _Optional[str] = ..., till_amount: _Optional[str] = ..., web_amount: _Optional[str] = ..., marketplace_amount: _Optional[str] = ..., favourite_store_id: _Optional[int] = ..., favourite_store_name: _Optional[str] = ..., favourite_department: _Optional[str] = ..., days_since_last_order: _Optional[int] = ...) -> None: ...

class ListTimelineResponse(_message.Message):
    __slots__ = ("release_id", "customer_id", "entries", "next_page_token", "total_size", "start")
    RELEASE_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    release_id: str
    customer_id: str
    entries: _containers.RepeatedCompositeFieldContainer[TimelineEntry]
    next_page_token: str
    total_size: int
    start: int
    def __init__(self, release_id: _Optional[str] = ..., customer_id: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[TimelineEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ..., start: _Optional[int] = ...) -> None: ...

class TimelineEntry(_message.Message):
    __slots__ = ("occurred_at", "kind", "source", "order_id", "channel", "status", "store_id", "store_name", "line_count", "units", "total_amount", "categories", "changed")
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STORE_ID_FIELD_NUMBER: _ClassVar[int]
    STORE_NAME_FIELD_NUMBER: _ClassVar[int]
    LINE_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    occurred_at: _timestamp_pb2.Timestamp
    kind: str
    source: str
    order_id: str
    channel: str
    status: str
    store_id: int
    store_name: str
    line_count: int
    units: int
    total_amount: str
    categories: _containers.RepeatedScalarFieldContainer[str]
    changed: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[str] = ..., source: _Optional[str] = ..., order_id: _Optional[str] = ..., channel: _Optional[str] = ..., status: _Optional[str] = ..., store_id: _Optional[int] = ..., store_name: _Optional[str] = ..., line_count: _Optional[int] = ..., units: _Optional[int] = ..., total_amount: _Optional[str] = ..., categories: _Optional[_Iterable[str]] = ..., changed: _Optional[_Iterable[str]] = ...) -> None: ...

class Release(_message.Message):
    __slots__ = ("release_id", "created_at", "profiles")
    RELEASE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    PROFILES_FIELD_NUMBER: _ClassVar[int]
    release_id: str
    created_at: _timestamp_pb2.Timestamp
    profiles: int
    def __init__(self, release_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., profiles: _Optional[int] = ...) -> None: ...
