"""Every key of the cache table, which has a partition key only in use: one sort key for all."""

import hashlib

from nightshift.aws.dynamo import Item

_SORT = "C"


def entry(name: str) -> Item:
    """Return the key of an entry; any text is a `name`."""
    return {"pk": f"E#{digest(name)}", "sk": _SORT}


def tag(name: str) -> Item:
    """Return the key of a tag."""
    return {"pk": f"T#{digest(name)}", "sk": _SORT}


def claim(name: str) -> Item:
    """Return the key of the word that somebody makes an entry anew."""
    return {"pk": f"C#{digest(name)}", "sk": _SORT}


def blob(name: str, token: str) -> str:
    """Return where a large body lies: each write has a place of its own."""
    return f"cache/{digest(name)}/{token}"


def digest(name: str) -> str:
    """Return the stable short form of a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:40]
