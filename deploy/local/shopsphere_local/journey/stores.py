"""The invented names and places of the stores; their ids are the data's own."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from faker import Faker

from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.dataset import day_start

# A box around Ohio, in millionths of a degree, so that the stores of one retailer lie near each other.
_SOUTH, _NORTH = 38_500_000, 41_600_000
_WEST, _EAST = -84_800_000, -80_600_000
_OPENED_FROM: Final = date(1985, 1, 1)
_OPENED_SPAN_DAYS: Final = 30 * 365
_DEGREE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Store:
    """The columns of `stores`."""

    store_id: int
    name: str
    street: str
    city: str
    postal_code: str
    state: str
    latitude: Decimal
    longitude: Decimal
    opened_on: date
    updated_at: datetime


def build_stores(chance: Chance, store_ids: list[int]) -> list[Store]:
    """Every store, each depending on the seed and its own id alone."""
    faker = Faker("en_US", use_weighting=False)
    return [_store(chance, faker, store_id) for store_id in store_ids]


def _store(chance: Chance, faker: Faker, store_id: int) -> Store:
    faker.seed_instance(chance.number("store", store_id))
    city = faker.city()
    return Store(
        store_id=store_id,
        name=f"ShopSphere {city}",
        street=faker.street_address(),
        city=city,
        postal_code=f"4{3000 + chance.pick(2999, 'postal code', store_id)}",
        state="OH",
        latitude=Decimal(_SOUTH + chance.pick(_NORTH - _SOUTH, "latitude", store_id)) / _DEGREE,
        longitude=Decimal(_WEST + chance.pick(_EAST - _WEST, "longitude", store_id)) / _DEGREE,
        opened_on=_OPENED_FROM + timedelta(days=chance.pick(_OPENED_SPAN_DAYS, "opened", store_id)),
        updated_at=day_start(-1),
    )
