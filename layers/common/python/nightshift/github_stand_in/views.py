"""The stand-in's JSON, with the fields that GitHub's has as far as anybody reads them."""

from datetime import datetime
from typing import Any

from nightshift.core.clock import rfc3339
from nightshift.github_stand_in.people import LANGUAGES, Person, Project, draw
from nightshift.github_stand_in.search import Results
from nightshift.github_stand_in.work import Doing, Thing

Json = dict[str, Any]
FILLER = "Lorem ipsum dolor sit amet, consectetur adipiscing elit. " * 40
"""Bodies are most of what GitHub sends; nobody reads them here, but they have to be carried."""


def user(someone: Person, login: str, base: str) -> Json:
    """Return a user."""
    return {
        "login": login,
        "id": someone.number,
        "type": "User",
        "url": f"{base}/users/{login}",
        "html_url": f"https://github.com/{login}",
        "name": someone.name,
        "followers": someone.followers,
        "public_repos": len(someone.own),
        "created_at": rfc3339(someone.created_at),
    }


def repository(project: Project, base: str) -> Json:
    """Return a repository."""
    owner, _, name = project.name.partition("/")
    return {
        "name": name,
        "full_name": project.name,
        "owner": {"login": owner},
        "private": False,
        "url": f"{base}/repos/{project.name}",
        "fork": project.is_fork,
        "language": project.language,
        "stargazers_count": project.stars,
    }


def search(found: Results, base: str) -> Json:
    """Return the results of a search."""
    items = [_item(thing, found, base) for thing in found.items]
    return {"total_count": found.total, "incomplete_results": False, "items": items}


def _item(thing: Thing, found: Results, base: str) -> Json:
    is_issue = found.doing is Doing.ISSUE
    repo = f"{base}/repos/{thing.repository}"
    author = found.login if found.doing is not Doing.REVIEWED else "somebody-else"
    item: Json = {
        "url": f"{repo}/issues/{thing.number}",
        "repository_url": repo,
        "number": thing.number,
        "title": thing.title,
        "user": {"login": author, "type": "User"},
        "state": "closed" if thing.closed_at else "open",
        "created_at": rfc3339(thing.created_at),
        "closed_at": rfc3339(thing.closed_at) if thing.closed_at else None,
        "body": FILLER,
    }
    if not is_issue:
        merged = rfc3339(thing.closed_at) if thing.closed_at else None
        item["pull_request"] = {"url": f"{repo}/pulls/{thing.number}", "merged_at": merged}
    return item


def pull_request(repository_name: str, number: int, size: tuple[int, int, int], base: str) -> Json:
    """Return a pull request with its size."""
    added, deleted, files = size
    language = LANGUAGES[int(draw(repository_name, "language") * len(LANGUAGES))]
    return {
        "url": f"{base}/repos/{repository_name}/pulls/{number}",
        "number": number,
        "merged": True,
        "additions": added,
        "deletions": deleted,
        "changed_files": files,
        "body": FILLER,
        "base": {"repo": {"full_name": repository_name, "language": language}},
    }


def stargazer(at: datetime, *, dated: bool) -> Json:
    """Return somebody who gave a star."""
    who = {"login": f"fan-{int(at.timestamp())}", "type": "User"}
    return {"starred_at": rfc3339(at.replace(microsecond=0)), "user": who} if dated else who
