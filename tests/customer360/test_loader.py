"""Loading one release of the lake, and nothing else."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from customer360 import contact, loader
from customer360.profile import SourceAccount, TimelineEntry, tombstone
from customer360.store import InMemoryGeneration, InMemoryProfileStore
from customer360_builders import DELETED, MARIA, NOAH, at
from customer360_lake import a_line, publish, small_gold, write_gold, write_table
from pyiceberg.catalog import Catalog
from shopsphere_kit import lake
from shopsphere_kit.settings import LakeSettings

# PyIceberg warns when an overwrite finds nothing to delete, which is how these tests fill an empty table.
pytestmark = pytest.mark.filterwarnings("ignore:Delete operation did not match any records:UserWarning")
KEY = b"a key"
PUBLISHED = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = "R20260101T000000Z-000001"


@pytest.fixture
def catalog(lake_settings: LakeSettings) -> Catalog:
    return lake.open_catalog(lake_settings)


def load(catalog: Catalog, release_id: str = "") -> InMemoryGeneration:
    release = lake.release(catalog, release_id) if release_id else lake.latest_release(catalog)
    assert release is not None
    store = InMemoryProfileStore()
    loader.load(catalog, release, store, KEY, lambda *_: None)
    return store.current()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> InMemoryGeneration:
    folder = tmp_path_factory.mktemp("a lake")
    settings = LakeSettings(catalog_uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog = lake.open_catalog(settings)
    publish(catalog, FIRST, PUBLISHED, write_gold(catalog, small_gold()))
    return load(catalog)


def test_the_generation_is_stamped_with_its_release(loaded: InMemoryGeneration) -> None:
    assert loaded.info.release.release_id == FIRST
    assert loaded.info.release.created_at == PUBLISHED
    assert (loaded.info.profiles, loaded.info.key_fingerprint) == (3, contact.key_fingerprint(KEY))


def test_a_profile_is_the_row_of_the_mart(loaded: InMemoryGeneration) -> None:
    maria = loaded.profile(MARIA)
    assert maria is not None
    assert (maria.person.first_name, maria.household.age_band) == ("Maria", "45-54")
    assert maria.accounts == (SourceAccount("marketplace", "B-7"), SourceAccount("shop", "7"))
    assert maria.figures.total_amount == Decimal("36.75")
    assert maria.figures.favourite_store_name == "Store 367"


def test_a_customer_is_found_under_every_contact_ever_known(loaded: InMemoryGeneration) -> None:
    for email in ("maria@example.com", "M.Santos@example.org"):
        assert loaded.find(contact.email_digest(KEY, email)) == (MARIA,)
    assert loaded.find(contact.phone_digest(KEY, "206 555 0142")) == (MARIA,)


def test_the_timeline_tells_what_happened_newest_first(loaded: InMemoryGeneration) -> None:
    told = [(entry.kind, entry.order_id) for entry in loaded.timeline(MARIA, 0, 100)]
    assert told == [
        ("order", "MP-1003"),
        ("account_opened", None),
        ("order", "1002"),
        ("profile_changed", None),
        ("return", "900000000001001"),
        ("order", "MP-1006"),
        ("order", "1001"),
        ("account_opened", None),
    ]


def test_an_order_on_the_timeline_sums_its_lines(loaded: InMemoryGeneration) -> None:
    order = next(entry for entry in loaded.timeline(MARIA, 0, 100) if entry.order_id == "1001")
    assert order == TimelineEntry(
        at(1),
        "order",
        source="shop",
        order_id="1001",
        channel="till",
        status="completed",
        store_id=367,
        store_name="Store 367",
        line_count=2,
        units=4,
        total_amount=Decimal("16.00"),
        categories=("SOFT DRINKS", "APPLES"),
    )


def test_a_profile_change_names_the_part_and_not_the_value(loaded: InMemoryGeneration) -> None:
    change = next(entry for entry in loaded.timeline(MARIA, 0, 100) if entry.kind == "profile_changed")
    assert (change.changed, change.source) == (("address",), "shop")
    assert "Oak" not in repr(change)


def test_of_a_deleted_customer_only_the_tombstone_is_kept(loaded: InMemoryGeneration) -> None:
    assert loaded.profile(DELETED) == tombstone(DELETED)
    assert loaded.find(contact.email_digest(KEY, "ghost@example.com")) == ()


def test_a_customer_may_have_bought_nothing(loaded: InMemoryGeneration) -> None:
    noah = loaded.profile(NOAH)
    assert noah is not None
    assert (noah.timeline_count, noah.person.phone, noah.figures.favourite_store_name) == (1, None, None)


def test_the_overview_nets_returns_and_leaves_cancelled_orders_out(loaded: InMemoryGeneration) -> None:
    found = loaded.overview()
    assert (found.headline.revenue, found.headline.returned) == (Decimal("53.75"), Decimal("4.25"))
    assert (found.headline.orders, found.headline.customers, found.headline.linked_customers) == (5, 2, 1)
    assert sum(day.revenue for day in found.days) == found.headline.revenue
    assert sum(total.revenue for total in found.channels) == found.headline.revenue
    assert [(ranked.name, ranked.amount) for ranked in found.departments] == [
        ("GROCERY", Decimal("47.75")),
        ("PRODUCE", Decimal("6.00")),
    ]
    assert found.customers_by_channels == (1, 0, 1)


def test_what_is_written_after_the_release_does_not_show(catalog: Catalog) -> None:
    gold = small_gold()
    publish(catalog, FIRST, PUBLISHED, write_gold(catalog, gold))
    # The next release is half written: the orders are there, the mart and the row in gold.releases are not yet.
    write_table(catalog, "gold.fact_order", [*gold["gold.fact_order"], a_line("1009", MARIA, "500.00")])
    half = load(catalog)
    assert half.info.release.release_id == FIRST
    assert half.overview().headline.revenue == Decimal("53.75")
    assert "1009" not in {entry.order_id for entry in half.timeline(MARIA, 0, 100)}


def test_an_earlier_release_can_still_be_loaded(catalog: Catalog) -> None:
    gold = small_gold()
    publish(catalog, FIRST, PUBLISHED, write_gold(catalog, gold))
    gold["gold.fact_order"].append(a_line("1009", MARIA, "500.00"))
    publish(catalog, "R20260102T000000Z-000002", PUBLISHED + timedelta(days=1), write_gold(catalog, gold))
    assert load(catalog).overview().headline.revenue == Decimal("553.75")
    assert load(catalog, FIRST).overview().headline.revenue == Decimal("53.75")


def test_an_empty_lake_makes_an_empty_generation(catalog: Catalog) -> None:
    publish(catalog, FIRST, PUBLISHED, write_gold(catalog, {}))
    empty = load(catalog)
    assert (empty.info.profiles, empty.overview().headline.orders, empty.overview().days) == (0, 0, ())
