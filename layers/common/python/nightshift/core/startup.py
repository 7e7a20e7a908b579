"""Quick cold starts."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Keep the garbage collector out of the imports inside, and what they made out of its way.

    Importing makes many objects that stay; going through them again and again is a seventh of a
    cold start (`make bench` measures it). For entry points only.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
