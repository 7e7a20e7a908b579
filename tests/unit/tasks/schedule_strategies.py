"""Hypothesis strategies for cron expressions that are valid."""

from hypothesis import strategies as st

_MONTHS = ["jan", "FEB", "Mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "MON", "Tue", "wed", "thu", "fri", "sat"]


@st.composite
def _term(draw: st.DrawFn, low: int, high: int) -> str:
    first = draw(st.integers(low, high))
    last = draw(st.integers(first, high))
    # A range of one number with a step is a case of its own: there the library is not followed.
    after = draw(st.integers(min(first + 1, high), high))
    step = draw(st.integers(1, high + 3))
    shapes = [f"{first}", f"{first}-{last}", f"{first}/{step}"]
    shapes += [f"{first}-{after}/{step}"] if first < after else []
    stars = ["*", f"*/{step}", f"{first:02}"]
    return draw(st.sampled_from(shapes + stars))


def _field(low: int, high: int, *extra: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(_term(low, high) | st.one_of(*extra, _term(low, high)), min_size=1, max_size=3)
    return st.just("*") | lists.map(",".join)


_NTH = st.builds(
    lambda day, end: f"{day}{end}",
    st.integers(0, 7),
    st.sampled_from(["L", "#1", "#2", "#3", "#4", "#5"]),
)

expressions = st.tuples(
    _field(0, 59),
    _field(0, 23),
    _field(1, 31, st.sampled_from(["L", "LW"])),
    _field(1, 12, st.sampled_from(_MONTHS)),
    _field(0, 7, st.sampled_from(_DAYS), _NTH),
).map(" ".join)
