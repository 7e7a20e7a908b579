"""Keys that nobody drew at random: short, published, a phrase, or a pattern."""

from itertools import pairwise

from nightshift.core.tokens import from_b64url

MIN_KEY_BYTES = 32
_MIN_DISTINCT_BYTES = 12
_PUBLISHED = frozenset(
    from_b64url(text)
    for text in (
        "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",  # RFC 8037 appendix A, RFC 8032 test 1
        "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs",  # RFC 8032 test 2
        "xaqN9D-fg3vtt0QvMdy3sWbThTUHbwlLhc46LgtEWPc",  # RFC 8032 test 3
    )
)
_PRINTABLE = frozenset(range(0x20, 0x7F))


def is_weak(key: bytes) -> bool:
    """Tell whether a key is evidently guessable; that one is not proves nothing of another.

    Guessable is what has fewer than 32 bytes or few different ones, what stands in an RFC, what can
    be typed (a phrase, or digits that somebody forgot to decode), and what counts up or down. Of
    32 bytes drawn at random fewer than one in 10^13 are taken for one of these.
    """
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return (
        len(key) < MIN_KEY_BYTES
        or len(set(key)) < _MIN_DISTINCT_BYTES
        or key in _PUBLISHED
        or _PRINTABLE.issuperset(key)
        or len(steps) == 1
    )
