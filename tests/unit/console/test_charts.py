"""The geometry of charts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.console.report import charts

COUNTS = st.lists(st.integers(0, 1_000_000), max_size=60)


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (0, [2, 4]), (1, [2, 4]), (4, [2, 4]), (5, [5]), (6, [3, 6]), (7, [4, 8]), (9, [5, 10]),
        (10, [5, 10]), (11, [10, 20]), (95, [50, 100]), (233, [150, 300]), (1000, [500, 1000]),
    ],
)  # fmt: skip
def test_a_scale_ends_at_a_round_number_at_or_above_the_highest(
    largest: int, ticks: list[int]
) -> None:
    """And its marks are whole numbers."""
    found = charts.columns([largest], ["a"], ["a"])
    assert ticks == [rule.value for rule in found.rules]
    assert largest <= found.rules[-1].value


@given(COUNTS)
def test_columns_stay_within_their_chart_and_beside_each_other(counts: list[int]) -> None:
    """Each as high as its part of the scale."""
    names = [str(n) for n in range(len(counts))]
    found = charts.columns(counts, names, names)
    edge = 0.0
    for column, count in zip(found.columns, counts, strict=True):
        assert edge <= column.x + 0.02
        edge = column.x + column.width
        assert 0 <= column.y <= found.height
        assert abs(column.y + column.height - found.height) < 0.02
        assert (count > 0) == (column.height > 0) or count < found.rules[-1].value / 10_000
    assert edge <= 100.02
    assert len([c for c in found.columns if c.label]) <= charts.MAX_LABELS


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(1, 10_000)), max_size=20))
def test_parts_make_a_whole(counts: list[tuple[str, int]]) -> None:
    """With colours of their own for the first, and one for the rest."""
    found = charts.parts(counts)
    assert sum(count for _, count in counts) == sum(part.count for part in found)
    assert len(found) <= charts.PARTS + 1
    if found:
        assert abs(found[-1].x + found[-1].width - 100) < 0.1
        assert len(found) == len({part.colour for part in found})
        assert [part.colour == 0 for part in found] == [
            n >= charts.PARTS for n in range(len(found))
        ]


def test_nothing_has_no_parts_and_no_bar() -> None:
    """What is little has one that can be seen."""
    assert () == charts.parts([]) == charts.parts([("a", 0)])
    assert (0.0, 0.0, 1.0, 100.0) == (
        charts.share(0, 10),
        charts.share(0, 0),
        charts.share(1, 5000),
        charts.share(7, 7),
    )
