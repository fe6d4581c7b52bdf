"""Which sale a return gives back: a table of cases, and the laws."""

from datetime import timedelta

import pytest
from bronze_builders import at
from hypothesis import given
from hypothesis import strategies as st
from transform.returns import MATCHED, NAMED, UNLINKED, Line, link


def sale(order: str, day: float, units: int = 1, line: int = 1) -> Line:
    return Line(at(day), order, line, units)


def back(order: str, day: float, units: int = 1, *, names: str | None = None, line: int = 1) -> Line:
    return Line(at(day), order, line, units, names)


def found(sales: list[Line], returns: list[Line]) -> list[tuple[str, str, str | None, int | None]]:
    """Return, evidence, order and line of its sale."""
    return [
        (each.given_back.order_id, each.evidence, each.order_id, each.sale.line_number if each.sale else None)
        for each in link(sales, returns)
    ]


@pytest.mark.parametrize(
    ("sales", "returns", "links"),
    [
        pytest.param([sale("s", 1)], [back("r", 2)], [("r", MATCHED, "s", 1)], id="the one sale before it"),
        pytest.param([], [back("r", 2)], [("r", UNLINKED, None, None)], id="never sold"),
        pytest.param([sale("s", 3)], [back("r", 2)], [("r", UNLINKED, None, None)], id="sold only later"),
        pytest.param([sale("s", 2)], [back("r", 2)], [("r", MATCHED, "s", 1)], id="at the same moment"),
        pytest.param([sale("a", 1), sale("b", 2)], [back("r", 3)], [("r", MATCHED, "b", 1)], id="the latest of two"),
        pytest.param(
            [sale("a", 1, 5), sale("b", 2, 1)], [back("r", 3, 2)], [("r", MATCHED, "a", 1)], id="enough units decide"
        ),
        pytest.param(
            [sale("a", 1, 2), sale("b", 2, 2)], [back("r", 3, 3)], [("r", UNLINKED, None, None)], id="no sale so large"
        ),
        pytest.param(
            [sale("a", 1), sale("b", 2)],
            [back("r1", 3), back("r2", 4), back("r3", 5)],
            [("r1", MATCHED, "b", 1), ("r2", MATCHED, "a", 1), ("r3", UNLINKED, None, None)],
            id="a unit comes back once",
        ),
        pytest.param(
            [sale("s", 1, 3)],
            [back("r1", 2, 2), back("r2", 3, 2), back("r3", 4, 1)],
            [("r1", MATCHED, "s", 1), ("r2", UNLINKED, None, None), ("r3", MATCHED, "s", 1)],
            id="in parts, as many as are left",
        ),
        pytest.param(
            [sale("a", 1), sale("b", 2)],
            [back("r", 3, names="a")],
            [("r", NAMED, "a", 1)],
            id="a name beats the latest",
        ),
        pytest.param(
            [sale("a", 1), sale("b", 2)],
            [back("r1", 3), back("r2", 4, names="b")],
            [("r1", MATCHED, "a", 1), ("r2", NAMED, "b", 1)],
            id="names come first, even later ones",
        ),
        pytest.param(
            [sale("a", 1)], [back("r", 2, names="x")], [("r", NAMED, "x", None)], id="a name that has no line"
        ),
        pytest.param(
            [sale("a", 1, line=1), sale("a", 1, line=4)],
            [back("r", 2, names="a", line=3)],
            [("r", NAMED, "a", 4)],
            id="the named order's line of the nearest number",
        ),
        pytest.param(
            [sale("a", 1, 1, line=1), sale("a", 1, 9, line=9)],
            [back("r", 2, 5, names="a", line=1)],
            [("r", NAMED, "a", 9)],
            id="the named order's line that has so many units",
        ),
        pytest.param(
            [sale("a", 1), sale("b", 1)], [back("r", 2)], [("r", MATCHED, "b", 1)], id="a tie in time: the order's id"
        ),
    ],
)
def test_a_return_gives_back(
    sales: list[Line], returns: list[Line], links: list[tuple[str, str, str | None, int | None]]
) -> None:
    assert found(sales, returns) == links


def test_nobody_in_particular_gives_back_only_what_is_named() -> None:
    returns = [back("r1", 2), back("r2", 3, names="s")]
    links = link([sale("s", 1, 2)], returns, is_known=False)
    assert [each.evidence for each in links] == [UNLINKED, NAMED]


LINES = st.builds(
    lambda day, order, line, units, names: Line(at() + timedelta(days=day), order, line, units, names),
    st.integers(0, 6), st.sampled_from("abcd"), st.integers(1, 3), st.integers(1, 3),
    st.one_of(st.none(), st.sampled_from("abx")),
)  # fmt: skip


def lines_once(prefix: str) -> st.SearchStrategy[list[Line]]:
    """Lines with one id each: a grain of the table they stand for."""
    unique = st.lists(LINES, max_size=7, unique_by=lambda line: (line.order_id, line.line_number))
    return unique.map(lambda lines: [Line(x.at, prefix + x.order_id, x.line_number, x.units, x.names) for x in lines])


@given(lines_once(""), lines_once("r"), st.randoms(use_true_random=False))
def test_links_do_not_depend_on_the_order_of_arrival_and_no_unit_comes_back_twice(
    sales: list[Line], returns: list[Line], chance: object
) -> None:
    links = link(sales, returns)
    chance.shuffle(sales)  # type: ignore[attr-defined]
    chance.shuffle(returns)  # type: ignore[attr-defined]
    assert link(sales, returns) == links
    assert len(links) == len(returns)
    for sold in sales:
        matched = [each.given_back.units for each in links if each.sale == sold and each.evidence == MATCHED]
        assert sum(matched) <= sold.units
