"""What is read from GitHub's JSON: plain JSON again, small and checked.

Each reader raises KeyError, TypeError or ValueError for what it does not know.
"""

import re
from typing import Any

from nightshift.core.clock import parse_rfc3339, rfc3339

MAX_TITLE_CHARS = 300
MAX_LANGUAGE_CHARS = 100
_NAME = re.compile(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}")


def read_user(data: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON of GitHub's, as below
    """Return the fields of `ports.github.GitHubUser`, its time as text."""
    return {
        "number": _whole(data["id"]),
        "login": _text(data["login"]),
        "name": _text(data.get("name") or data["login"])[:MAX_TITLE_CHARS],
        "followers": _whole(data["followers"]),
        "public_repositories": _whole(data["public_repos"]),
        "created_at": _time(data["created_at"]),
    }


def read_search(data: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return how many results there are, whether GitHub looked everywhere, and the items."""
    return {
        "total": _whole(data["total_count"]),
        "complete": not data["incomplete_results"],
        "items": [_item(item) for item in data["items"]],
    }


def _item(item: Any) -> list[Any]:  # noqa: ANN401
    merged = (item.get("pull_request") or {}).get("merged_at")
    closed = merged or item["closed_at"]
    return [
        _repository("/".join(_text(item["repository_url"]).split("/")[-2:])),
        _whole(item["number"]),
        _text(item["title"])[:MAX_TITLE_CHARS],
        _time(item["created_at"]),
        _time(closed) if closed else None,
    ]


def read_size(data: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the fields of `ports.github.Size`."""
    repository = data["base"]["repo"] or {}
    return {
        "additions": _whole(data["additions"]),
        "deletions": _whole(data["deletions"]),
        "changed_files": _whole(data["changed_files"]),
        "language": _language(repository.get("language")),
    }


def read_repositories(data: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return the fields of each `ports.github.Repository`."""
    return [
        {
            "name": _repository(item["full_name"]),
            "language": _language(item["language"]),
            "stars": _whole(item["stargazers_count"]),
            "is_fork": bool(item["fork"]),
        }
        for item in data
    ]


def read_stars(data: Any) -> list[str]:  # noqa: ANN401
    """Return when each star was given."""
    return [_time(item["starred_at"]) for item in data]


def _checked(kind: type, value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{kind.__name__} expected")
    return value


def _text(value: Any) -> str:  # noqa: ANN401
    """Return a text that can be encoded, whatever halves of characters JSON let through."""
    text: str = _checked(str, value)
    return text.encode("utf-8", "replace").decode()


def _whole(value: Any) -> int:  # noqa: ANN401
    whole: int = _checked(int, value)
    return whole


def _language(value: Any) -> str | None:  # noqa: ANN401
    return None if value is None else _text(value)[:MAX_LANGUAGE_CHARS]


def _repository(value: Any) -> str:  # noqa: ANN401
    text = _text(value)
    if not _NAME.fullmatch(text):
        raise ValueError("no repository's name")
    return text


def _time(value: Any) -> str:  # noqa: ANN401
    return rfc3339(parse_rfc3339(_text(value)))
