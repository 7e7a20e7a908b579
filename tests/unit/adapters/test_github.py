"""The GitHub client over the stand-in: what it finds, what it costs, and how it fails."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from nightshift.adapters.github import Bounds
from nightshift.adapters.github_http import Limits
from nightshift.core.clock import ManualClock
from nightshift.github_stand_in.people import person
from nightshift.github_stand_in.service import Trouble
from nightshift.ports.github import (
    GitHubError,
    GitHubMalformedError,
    GitHubRateLimitedError,
    GitHubRefusedError,
    GitHubUnavailableError,
    GitHubUserNotFoundError,
    GitHubUserRenamedError,
    Repository,
    Span,
    StarGain,
)
from tests.support.github import BASE, GitHubScene, scripted

NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
ELSEWHERE = (
    "https://evil.test/api/users/x",
    "http://github.test/api/users/x",
    "https://github.test.evil/api/users/x",
    "//evil.test",
    f"{BASE}/../x",
    "/users/x",
    "",
)
SPAN = Span(start=NOW - timedelta(days=90), end=NOW)


@pytest.fixture
def scene() -> GitHubScene:
    """A fresh scene."""
    return GitHubScene(ManualClock(NOW))


def test_a_user_is_found_whatever_the_case_of_the_name(scene: GitHubScene) -> None:
    """As GitHub writes it."""
    user = scene.github().user("Ada-L")
    assert ("ada-l", "Ada L", 3) == (user.login, user.name, min(user.public_repositories, 3))


@pytest.mark.parametrize("method", ["user", "merged", "reviewed", "issues", "repositories"])
def test_nobody_is_found_where_there_is_nobody(scene: GitHubScene, method: str) -> None:
    """404 of a user, 422 of a search."""
    arguments = [SPAN] if method in {"merged", "reviewed", "issues"} else []
    expected = GitHubError if method == "repositories" else GitHubUserNotFoundError
    with pytest.raises(expected):
        getattr(scene.github(), method)("missing-one", *arguments)


def test_a_user_that_github_points_elsewhere_for_was_renamed(scene: GitHubScene) -> None:
    """The move is followed within our own address, and the new name told."""
    with pytest.raises(GitHubUserRenamedError, match="called ada now"):
        scene.github().user("renamed-ada")


def test_a_number_tells_what_a_user_is_called_now(scene: GitHubScene) -> None:
    """Names change, numbers stay."""
    scene.stand_in.renames["ada"] = "lovelace"
    assert "lovelace" == scene.github().login_of(person("ada").number)
    with pytest.raises(GitHubUserNotFoundError):
        scene.github().login_of(5)


def test_what_was_merged_is_found_each_once_newest_first(scene: GitHubScene) -> None:
    """All of it, in the span only."""
    found = scene.github().merged("ada", SPAN)
    moments = [item.closed_at for item in found.items if item.closed_at is not None]
    assert found.total == len(found.items) == len({(i.repository, i.number) for i in found.items})
    assert moments == sorted(moments, reverse=True)
    assert SPAN.start <= min(moments) <= max(moments) < SPAN.end
    assert found.total > 0


def test_pieces_of_a_span_are_what_the_span_is(scene: GitHubScene) -> None:
    """Cut at any second, nothing is lost and nothing found twice."""
    github = scene.github()
    whole = github.merged("ada", SPAN)
    middle = NOW - timedelta(days=31, seconds=12_345)
    halves = [Span(start=middle, end=SPAN.end), Span(start=SPAN.start, end=middle)]
    parts = [item for half in halves for item in github.merged("ada", half).items]
    assert list(whole.items) == parts


def test_three_thousand_are_found_although_github_shows_a_thousand(scene: GitHubScene) -> None:
    """By a bounded number of requests, telling how far it has come, within the limits."""
    found = scene.github().merged("prolific", SPAN)
    assert 2_900 < found.total == len(found.items)
    assert found.is_complete
    assert len(scene.stand_in.asked) <= found.total // 100 + 12
    done = [done for done, _ in scene.pace.progress]
    assert (done, found.total) == (sorted(done), scene.pace.progress[-1][0])
    assert {found.total} == {total for _, total in scene.pace.progress}
    assert sum(scene.slept) <= 120


def test_no_more_is_read_than_the_bound_says(scene: GitHubScene) -> None:
    """The newest are; how many there are in all is told."""
    found = scene.github(Bounds(pull_requests=2_000)).merged("prolific", SPAN)
    everything = scene.github().merged("prolific", SPAN)
    assert (everything.total, 2_000) == (found.total, len(found.items))
    assert list(everything.items[:1_900]) == list(found.items[:1_900])
    few = scene.github(Bounds(listed=100)).reviewed("prolific", SPAN)
    assert 100 == len(few.items) < few.total


def test_more_in_a_second_than_github_shows_is_told_as_incomplete(scene: GitHubScene) -> None:
    """There is nothing left to cut."""
    page = {"total_count": 5_000, "incomplete_results": False, "items": []}
    scene.handler = lambda _: httpx.Response(200, json=page)
    span = Span(start=NOW, end=NOW + timedelta(seconds=2))
    found = scene.github().merged("bot", span)
    assert (5_000, False) == (found.total, found.is_complete)
    assert len(scene.sent) < 30


def test_a_search_that_github_gave_up_is_asked_again(scene: GitHubScene) -> None:
    """Once; then what there is counts, and is told as incomplete and not kept."""
    page = {"total_count": 1, "incomplete_results": True, "items": []}
    whole = page | {"incomplete_results": False}
    scene.handler = scripted([httpx.Response(200, json=page), httpx.Response(200, json=whole)])
    assert scene.github().merged("ada", SPAN).is_complete
    scene.memory.kept.clear()
    scene.handler = lambda _: httpx.Response(200, json=page)
    assert not scene.github().merged("ada", SPAN).is_complete
    assert {} == scene.memory.kept


def test_sizes_reviews_issues_and_repositories_are_read(scene: GitHubScene) -> None:
    """Each with what the report needs."""
    github = scene.github()
    merged = github.merged("ada", SPAN).items[0]
    size = github.size(merged)
    assert size is not None
    assert size.additions > 0
    assert size.changed_files > 0
    assert github.reviewed("ada", SPAN).total > 0
    assert github.issues("ada", SPAN).total >= 0
    own = github.repositories("ada")
    assert [p.name for p in person("ada").own] == [r.name for r in own.items]
    assert own.is_complete


def test_a_pull_request_that_is_gone_has_no_size(scene: GitHubScene) -> None:
    """Its repository may have been deleted since the search."""
    merged = scene.github().merged("ada", SPAN).items[0]
    scene.stand_in.troubles.append(Trouble(pattern="/pulls/", times=1, status=404))
    assert None is scene.github().size(merged)


def _repository(scene: GitHubScene, stars: int) -> Repository:
    """Return a repository with so many stars, of whose pages the last are served by number."""
    every = timedelta(hours=1)

    def handle(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        first = (page - 1) * 100
        given = [NOW - every * (stars - n) for n in range(first, min(stars, first + 100))]
        assert "application/vnd.github.star+json" == request.headers["accept"]
        return httpx.Response(200, json=[{"starred_at": f"{g:%Y-%m-%dT%H:%M:%SZ}"} for g in given])

    scene.handler = handle
    return Repository(name="ada/a", language=None, stars=stars, is_fork=False)


@pytest.mark.parametrize(
    ("stars", "days", "expected", "requests"),
    [
        (0, 7, StarGain(gained=0), 0),
        (30, 7, StarGain(gained=30), 1),
        (950, 7, StarGain(gained=168), 3),
        (1_000, 90, StarGain(gained=1_000), 10),
        (2_500, 90, StarGain(gained=None, reason="too_many_new_stars"), 10),
        (40_001, 7, StarGain(gained=None, reason="too_many_stars"), 0),
    ],
)
def test_stars_are_counted_from_the_end(
    scene: GitHubScene, stars: int, days: int, expected: StarGain, requests: int
) -> None:
    """As few pages as it takes; where it would take too many, that is said."""
    repository = _repository(scene, stars)
    span = Span(start=NOW - timedelta(days=days), end=NOW)
    assert expected == scene.github().star_gain(repository, span)
    assert requests == len(scene.sent)


def test_stars_that_came_meanwhile_are_seen(scene: GitHubScene) -> None:
    """GitHub says which page is the last one."""
    repository = _repository(scene, 250)
    serve = scene.handler

    def handle(request: httpx.Request) -> httpx.Response:
        answer = serve(request)
        answer.headers["link"] = f'<{BASE}/x?per_page=100&page=3>; rel="last"'
        return answer

    scene.handler = handle
    old = Repository(name=repository.name, language=None, stars=120, is_fork=False)
    span = Span(start=NOW - timedelta(hours=60), end=NOW)
    assert 60 == scene.github().star_gain(old, span).gained


def test_an_answer_is_asked_for_by_its_tag_and_used_again(scene: GitHubScene) -> None:
    """304 costs no limit and brings the same."""
    github = scene.github()
    first = github.merged("ada", SPAN)
    before = len(scene.stand_in.asked)
    assert first == github.merged("ada", SPAN)
    assert (before, True) == (len(scene.stand_in.asked), scene.stand_in.not_modified > 0)
    assert all("if-none-match" in r.headers for r in scene.sent[before:])


def test_a_young_answer_is_used_without_asking(scene: GitHubScene) -> None:
    """Work that is tried again goes on where it was."""
    github = scene.github()
    first = github.merged("ada", SPAN)
    before = len(scene.sent)
    scene.memory.is_fresh = True
    assert (first, before) == (github.merged("ada", SPAN), len(scene.sent))


def test_what_is_kept_is_small(scene: GitHubScene) -> None:
    """A page has hundreds of kilobytes; of it stays what is read."""
    scene.github().merged("prolific", SPAN)
    sizes = [len(json.dumps(kept.data)) for kept in scene.memory.kept.values()]
    assert max(sizes) < 25_000


def test_nothing_is_said_about_the_token_to_anybody_else(scene: GitHubScene) -> None:
    """A move to another host is refused; pages are asked for by number."""
    for there in ELSEWHERE:
        scene.handler = scripted([httpx.Response(301, headers={"location": there})])
        with pytest.raises(GitHubMalformedError):
            scene.github().user("ada")
    assert {"github.test"} == {request.url.host for request in scene.sent}


def test_without_a_token_none_is_sent(scene: GitHubScene) -> None:
    """The token is optional."""
    scene.token = None
    assert scene.github().user("ada").login == "ada"
    assert "authorization" not in scene.sent[0].headers
    assert not scene.github().has_token


ANSWERS: list[tuple[str, list[httpx.Response], type[GitHubError]]] = [
    ("bad token", [httpx.Response(401)], GitHubRefusedError),
    ("blocked", [httpx.Response(403, json={"message": "Forbidden"})], GitHubRefusedError),
    ("down", [httpx.Response(502)], GitHubUnavailableError),
    ("no json", [httpx.Response(200, text="<html>")], GitHubMalformedError),
    ("another json", [httpx.Response(200, json=[1])], GitHubMalformedError),
    ("a wrong type", [httpx.Response(200, json={"id": "x", "login": 3})], GitHubMalformedError),
    ("teapot", [httpx.Response(418)], GitHubMalformedError),
    ("unasked 304", [httpx.Response(304)], GitHubMalformedError),
    ("too deep", [httpx.Response(200, text="[" * 100_000)], GitHubMalformedError),
    ("too large", [httpx.Response(200, content=b"x" * 3_000)], GitHubMalformedError),
    ("a moving target", [httpx.Response(301, headers={"location": f"{BASE}/users/b"})],
     GitHubMalformedError),
    ("slow down", [httpx.Response(429, headers={"retry-after": "500"})], GitHubRateLimitedError),
    ("always", [httpx.Response(429, headers={"retry-after": "0"})], GitHubRateLimitedError),
]  # fmt: skip


@pytest.mark.parametrize(("case", "answers", "error"), ANSWERS, ids=[a[0] for a in ANSWERS])
def test_every_way_to_fail_is_an_error_of_its_own(
    scene: GitHubScene, case: str, answers: list[httpx.Response], error: type[GitHubError]
) -> None:
    """With a bounded number of requests."""
    scene.handler = scripted(answers)
    with pytest.raises(error):
        scene.github(limits=Limits(max_bytes=150_000 if case == "too deep" else 2_000)).user("ada")
    assert len(scene.sent) <= 5


@pytest.mark.parametrize("trouble", [None, 500, 502, 503, 504])
def test_what_passes_is_got_over(scene: GitHubScene, trouble: int | None) -> None:
    """Broken connections and errors of the server, twice in a row, with growing pauses."""
    scene.stand_in.troubles.append(Trouble(pattern="/users/", times=2, status=trouble))
    assert "ada" == scene.github().user("ada").login
    assert [0.375, 0.75] == scene.slept


def _limited(**headers: str) -> httpx.Response:
    return httpx.Response(403, headers=headers, json={"message": "rate limit exceeded"})


@pytest.mark.parametrize(
    ("answer", "waited_s"),
    [
        (_limited(**{"retry-after": "7"}), 7),
        (_limited(**{"x-ratelimit-remaining": "0",
                     "x-ratelimit-reset": f"{NOW.timestamp() + 40:.0f}"}), 41),
        (_limited(), 60),
        (httpx.Response(429), 60),
        # Our clock is 100 s fast; the limit goes by GitHub's.
        (_limited(**{"x-ratelimit-remaining": "0", "date": "Thu, 01 Oct 2026 11:58:20 GMT",
                     "x-ratelimit-reset": f"{NOW.timestamp() - 60:.0f}"}), 41),
    ],
)  # fmt: skip
def test_a_limit_is_waited_for(scene: GitHubScene, answer: httpx.Response, waited_s: float) -> None:
    """As long as it says, by GitHub's clock; a minute where it does not say."""
    serve = scene.handler
    answers: list[Any] = [answer]
    scene.handler = lambda request: answers.pop() if answers else serve(request)
    assert "ada" == scene.github().user("ada").login
    assert [waited_s] == scene.slept


def test_who_has_no_patience_is_told_how_long_it_takes(scene: GitHubScene) -> None:
    """And nothing is asked meanwhile."""
    scene.pace.patience_s = 5
    scene.handler = scripted([_limited(**{"retry-after": "7"})])
    with pytest.raises(GitHubRateLimitedError) as raised:
        scene.github().user("ada")
    assert (8, []) == (raised.value.retry_after_s, scene.slept)


def test_a_limit_known_to_be_spent_is_not_tried(scene: GitHubScene) -> None:
    """The last answer has said so; other resources have limits of their own."""
    http = scene.http()
    for _ in range(31):
        scene.clock.advance(seconds=0.01)
        scene.memory.kept.clear()
        github = scene.github()
        github._http = http
        github.issues("quiet-one", SPAN)
    assert 31 == len(scene.stand_in.asked) == len(scene.sent)
    assert 1 == len(scene.slept)
    assert 59 < scene.slept[0] <= 61
