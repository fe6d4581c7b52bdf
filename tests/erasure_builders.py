"""A small lake of people, made of PyIceberg alone, and what an erasure must leave of it as it was."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from bronze_builders import Row, a_buyer, a_document, a_record, a_user, an_event, an_order, at, write_bronze
from ingest.batch import Rejected
from ingest.quarantine import rows as quarantine_rows
from pyiceberg.catalog import Catalog
from pyspark.sql.pandas.types import to_arrow_schema
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.lake import RELEASES, open_catalog
from shopsphere_kit.settings import LakeSettings
from transform import bronze, release, tables
from transform.erasure.erase import Erasure, Receipt, Request
from transform.erasure.table import Step
from transform.scanner.canaries import Canaries
from transform.scanner.finds import Findings
from transform.scanner.scan import Scan
from transform.warehouse import Warehouse

KEY = b"a key that is not in the lake, ok"
CUSTOMER = "C0000000000000001"
# All that names Ann, in one source or the other; her name is another one's too, and so is the street of the second.
ANN = (
    *("ann.lee@secret.example", "annie@secret.example", "ann.market@secret.example", "3125550101"),
    *("LOYAL-ANN-1", "card-of-ann-1", "77 Hidden Lane"),
)
_NOW = datetime(2026, 2, 1, tzinfo=UTC)


def ann(**given: object) -> Row:
    """A change of Ann's account in the shop."""
    own = {"email": ANN[0], "phone": ANN[3], "loyalty_number": ANN[4], "street": ANN[6]}
    return a_user(1, **{**own, **given})


def version(user_id: int, customer: str, **given: object) -> Row:
    """A version of a user in silver or gold."""
    row = {"source": "shop", "source_user_id": str(user_id), "customer_id": customer, "is_current": True}
    person = {name: ann()[name] for name in ("email", "phone", "loyalty_number", "street")} if user_id == 1 else {}
    stamps = {"valid_from": at(), "start_date": at(), "is_deleted": False, "user_key": user_id}
    return {
        **row,
        "first_name": "Ann",
        "last_name": "Lee",
        "email": f"u{user_id}@shop.example",
        **person,
        **stamps,
        **given,
    }


def profile(user_id: int, customer: str) -> Row:
    """A customer of gold."""
    row = version(user_id, customer)
    users = [{"source": "shop", "source_user_id": str(user_id)}]
    counts = dict.fromkeys(("order_count", "line_count", "units"), 0)
    return {**row, **counts, "source_users": users, "emails": [row["email"]], "phones": [row.get("phone") or "+1"]}


@dataclass
class PeopleLake:
    """The lake under test; a customer of another id can be the one to forget."""

    settings: LakeSettings

    def __post_init__(self) -> None:
        self.catalog: Catalog = open_catalog(self.settings)
        self.warehouse = Warehouse(self.catalog, self.settings.warehouse)

    @property
    def folder(self) -> Path:
        """The warehouse as a folder."""
        return Path(self.settings.warehouse.removeprefix("file://"))

    def fill(self) -> None:
        """Ann, who also buys on the marketplace, and two others; some history, and records that were rejected."""
        self.fill_users()
        self.fill_orders()
        self.quarantine()
        self._silver_and_gold()

    def fill_users(self) -> None:
        """Three commits of changes of users; the first is tagged."""
        write_bronze(self.catalog, bronze.USERS, [ann(), a_user(2), a_user(3, street="1 Main St")])
        write_bronze(self.catalog, bronze.USERS, [a_user(2, email="new@shop.example", _op="u")])
        write_bronze(self.catalog, bronze.USERS, [ann(email=ANN[1], _op="u"), a_user(4)])
        self.catalog.load_table(bronze.USERS).manage_snapshots().create_tag(
            self._snapshots(bronze.USERS)[0], "first"
        ).commit()

    def fill_orders(self) -> None:
        """Orders, documents and events of Ann and of others."""
        orders = [an_order(1, card_token=ANN[5]), an_order(2, user_id=2, card_token="card-of-bob")]
        write_bronze(self.catalog, bronze.ORDERS, orders)
        buyer = a_buyer(1, email=ANN[2], phone=None)
        write_bronze(
            self.catalog,
            bronze.MARKETPLACE_ORDERS,
            [a_document("MP-1", buyer=buyer), a_document("MP-2", buyer=a_buyer(2))],
        )
        poison = f'not json, "email": "{ANN[0].upper()}"'.encode()
        events = [a_record(an_event()), a_record({**an_event(), "email": ANN[0]}), a_record(an_event(user_id=2))]
        write_bronze(self.catalog, bronze.EVENTS, [*events, a_record(poison, _rejected="not_json")])

    def quarantine(self) -> None:
        """Three rejected records, two of which name Ann."""
        row = json.dumps({"user_id": 1, "email": "odd", "first_name": "Ann", "_position": "1"}).encode()
        other = json.dumps({"user_id": 12, "email": "other@shop.example"}).encode()
        records = [
            Rejected("postgres:shop.users", "p1", "value_out_of_range", "column age", row),
            Rejected("postgres:shop.users", "p2", "value_out_of_range", "column age", other),
            Rejected("kafka:events", "p3", "not_json", f"near {ANN[1]}", b"\xff\xfe" + ANN[0].encode()),
        ]
        rows = quarantine_rows(records, _NOW)
        self.catalog.create_table_if_not_exists("bronze.quarantine", schema=rows.schema).append(rows)

    def _silver_and_gold(self) -> None:
        self.write(
            "silver.customer_identities", [identity(1), identity("B-1", "marketplace"), identity(2, customer="C2")]
        )
        self.write("silver.identity_records", [record(1, ANN[0]), record(2, "u2@shop.example")])
        self.write("silver.users_scd", [version(1, CUSTOMER), version(2, "C2")])
        self.write("silver.users_scd", [version(3, "C3")])
        self.write("silver.orders_unified", [order_line(1, ANN[5]), order_line(2, "card-of-bob")])
        rejected = {"table": "silver.users_scd", "check": "c", "column": "c", "reason": "r", "position": "p"}
        rows = [
            json.dumps({"source": "shop", "source_user_id": "1", "email": ANN[0]}),
            json.dumps({"source_user_id": "2"}),
        ]
        self.write("silver.quarantine", [{**rejected, "row": row} for row in rows])
        self.write("gold.dim_users", [version(1, CUSTOMER), version(2, "C2")])
        self.write("gold.customer_360", [profile(1, CUSTOMER), profile(2, "C2")])
        named = [table.name for table in tables.TABLES if self.catalog.table_exists(table.name)]
        made = release.new_release(_NOW, {name: self._snapshots(name)[-1] for name in named}, {})
        release.append(self.catalog, made, release.head(self.catalog))

    def write(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows to a declared table, which is made with all the statistics that PyIceberg keeps by itself."""
        declared = next(table for table in (*tables.FOLDS, *tables.TABLES) if table.name == name)
        schema = pa.schema([field.with_nullable(True) for field in to_arrow_schema(declared.schema)])
        values = [{column: row.get(column) for column in schema.names} for row in rows]
        self.catalog.create_namespace_if_not_exists(name.split(".", maxsplit=1)[0])
        stored = self.catalog.create_table_if_not_exists(name, schema=schema)
        stored.append(pa.Table.from_pylist(values, schema=schema))

    def _snapshots(self, name: str) -> list[int]:
        return [snapshot.snapshot_id for snapshot in self.catalog.load_table(name).snapshots()]

    def scan(self, *texts: str) -> Findings:
        """What a scan finds of these texts, or of Ann."""
        return Scan(self.catalog, self.warehouse, Canaries(texts or ANN)).run()

    def erase(self, step: Step = lambda _: None, **given: Any) -> Receipt:
        """Forget Ann."""
        request = Request(**{"customers": (CUSTOMER,), "orphan_age": timedelta(0), **given})
        return Erasure(self.catalog, self.warehouse, KEY, SystemClock(), step).run(request)

    def history(self) -> dict[str, Any]:
        """What every table was at every snapshot: the rows of others, and how many rows there were in all."""
        return {
            f"{name} {snapshot.snapshot_id} {snapshot.sequence_number} {snapshot.parent_snapshot_id}": self._rows(
                name, snapshot.snapshot_id
            )
            for name in self.tables()
            for snapshot in self.catalog.load_table(name).snapshots()
        }

    def references(self) -> dict[str, Any]:
        """The branches and tags of every table."""
        return {name: self.catalog.load_table(name).metadata.refs for name in self.tables()}

    def tables(self) -> list[str]:
        """The tables that an erasure may rewrite."""
        of = (self.catalog.list_tables(namespace) for namespace in self.catalog.list_namespaces())
        names = [".".join(identifier) for identifiers in of for identifier in identifiers]
        return [name for name in names if name not in {RELEASES, "silver.suppressions", "gold.erasures"}]

    def _rows(self, name: str, snapshot: int) -> tuple[int, list[str]]:
        rows = self.catalog.load_table(name).scan(snapshot_id=snapshot).to_arrow().to_pylist()
        return len(rows), sorted(str(row) for row in rows if not is_of_ann(name, row))


def identity(number: object, source: str = "shop", customer: str = CUSTOMER) -> Row:
    """A row of silver.customer_identities."""
    row = {"source": source, "source_user_id": str(number), "customer_id": customer, "evidence": "self"}
    return {**row, "linked_to": f"{source}:{number}", "linked_at": at()}


def record(user_id: int, email: str) -> Row:
    """A row of silver.identity_records."""
    return {"source": "shop", "source_user_id": str(user_id), "seen_at": at(), "email": [email], "keys": [user_id]}


def order_line(user_id: int, card: str) -> Row:
    """A row of silver.orders_unified."""
    customer = CUSTOMER if user_id == 1 else f"C{user_id}"
    row = {"order_id": str(user_id), "line_number": 1, "channel": "web", "source": "shop", "card_token": card}
    return {**row, "source_user_id": str(user_id), "customer_id": customer, "quantity": 2, "ordered_at": at(1)}


def is_of_ann(table: str, row: Mapping[str, Any]) -> bool:
    """Whether a row is one that an erasure of Ann may change, told by what no erasure changes."""
    if table == "bronze.quarantine":
        return row["position"] in {"p1", "p3"}
    if table == "silver.quarantine":
        return row["row"] is None or '"1"' in row["row"]
    if table == bronze.EVENTS:
        return row["_rejected"] is not None or '"user_id": 1,' in row["value"].decode()
    return (
        row.get("user_id") == 1
        or (row.get("source"), row.get("source_user_id")) in {("shop", "1"), ("marketplace", "B-1")}
        or row.get("customer_id") == CUSTOMER
        or '"B-1"' in (row.get("document") or "")
    )
