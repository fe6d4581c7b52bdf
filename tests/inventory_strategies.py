"""What may be asked of a stock store, as Hypothesis draws it: few names, so that calls meet."""

from datetime import timedelta

from hypothesis import strategies as st
from inventory.adjustments import ChangeBy, CountAs, MoveTo, SetTo
from inventory.holds import Line
from inventory.journal import Bucket, Item, MovementType
from inventory.store import SetAside, View
from inventory.terms import ANY, Allowance, Bundle, Component, Incoming, SafetyStock, SkuClass
from inventory_builders import NOON, a_movement

SKUS = ("P1", "P2")
ITEMS = [Item(sku, location) for sku in SKUS for location in ("S1", "S2")]
SHELVES = [*ITEMS, Item("P1", "S1", Bucket.DAMAGED)]
BLINK, LONG = timedelta(milliseconds=2), timedelta(hours=1)
# A year ahead of any run, so that counts fall both before and after what reservations record at Redis' own time.
TIMES = [NOON + timedelta(days=days) for days in (-1, 0, 1, 36500)]
contents = st.one_of(
    st.builds(
        lambda kind, item, units, at, number: a_movement(
            abs(units) if kind is MovementType.COUNT else units, item, kind=kind, occurred_at=at, event_id=number
        ),
        st.sampled_from(MovementType),
        st.sampled_from(SHELVES),
        st.integers(-6, 12),
        st.sampled_from(TIMES),
        # Some are the sales of reservations to come, as after a Redis that went back to an older copy.
        st.integers(0, 60).map(lambda number: f"E{number}" if number < 50 else f"reservation:R{number - 49}:1"),
    ),
    st.builds(SetAside, st.sampled_from(["not_json", "empty"])),
)
shelves = st.builds(Item, st.sampled_from(SKUS), st.sampled_from(["S1", "S2"]), st.sampled_from(Bucket))
conditions = st.fixed_dictionaries({}, optional={"if_version": st.integers(0, 3), "if_quantity": st.integers(-2, 4)})
adjustments = st.one_of(
    st.builds(
        lambda item, units, only: ChangeBy(item=item, quantity=units, **only), shelves, st.integers(-5, 9), conditions
    ),
    st.builds(
        lambda item, units, only: SetTo(item=item, quantity=units, **only), shelves, st.integers(0, 9), conditions
    ),
    st.builds(
        lambda item, units, at: CountAs(item=item, quantity=units, occurred_at=at),
        shelves,
        st.integers(0, 9),
        st.sampled_from(TIMES),
    ),
    st.builds(
        lambda item, units, to: MoveTo(item=item, quantity=units, bucket=to),
        shelves,
        st.integers(1, 3),
        st.sampled_from(Bucket),
    ).filter(lambda each: each.target != each.item),
)
channels = st.sampled_from(["", "web"])
terms = st.one_of(
    st.builds(
        SafetyStock,
        st.sampled_from(["web", ANY]),
        st.sampled_from(["S1", ANY]),
        st.sampled_from(["soap", ANY]),
        st.integers(0, 3),
    ),
    st.builds(SkuClass, st.sampled_from(SKUS), st.sampled_from(["soap", ""])),
    st.builds(Allowance, st.sampled_from(ITEMS), st.integers(0, 4), st.integers(0, 4)),
    st.builds(
        Incoming, st.sampled_from(ITEMS), st.sampled_from(["PO1", "PO2"]), st.integers(0, 3), st.sampled_from(TIMES)
    ),
    st.builds(
        Bundle,
        st.just("GIFT"),
        st.lists(
            st.builds(Component, st.sampled_from(SKUS), st.integers(1, 2)), max_size=2, unique_by=lambda each: each.sku
        ).map(tuple),
    ),
)
wishes = st.sampled_from([*ITEMS, Item("GIFT", "S1")])
baskets = st.lists(st.builds(Line, wishes, st.integers(1, 4)), min_size=1, max_size=3)
views = st.builds(View, st.sampled_from([None, "S1", "S9"]), channels, st.sampled_from([None, *TIMES]))
picks = st.integers(0, 8)
places = st.sampled_from(["S1", "S2", "S9"])
