"""A small app with one route for each thing that the edge does."""

from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import Field

from nightshift.core.access import (
    Caller,
    Permission,
    Role,
    RoleName,
    SessionId,
    UserId,
    permissions_of,
)
from nightshift.core.errors import (
    ConflictError,
    NightshiftError,
    PreconditionFailedError,
    UnauthenticatedError,
)
from nightshift.core.ids import derived_id, new_id
from nightshift.http.app import App
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PUBLIC, LimitRule, PathParam, Router
from nightshift.http.schemas import ApiModel, NoBody, PageQuery, UtcTime
from nightshift.http.wiring import build_app
from tests.contract.door import ENVIRON, START, World


class Colour(StrEnum):
    """What a toy may look like."""

    RED = "red"
    BLUE = "blue"


class Part(ApiModel):
    """A part of a toy."""

    weight_g: int = Field(ge=0, le=1000)


class ToyIn(ApiModel):
    """A toy to make."""

    name: str = Field(min_length=1, max_length=20)
    colour: Colour = Colour.RED
    parts: list[Part] = Field(default_factory=list)
    due_at: UtcTime | None = None


class ToyOut(ApiModel):
    """A toy."""

    id: str
    name: str
    due_at: UtcTime | None


class ToyQuery(PageQuery):
    """Filters of the list."""

    colour: Colour | None = None
    tag: list[str] = Field(default_factory=list)


class ToyPage(ApiModel):
    """A page of toys."""

    items: list[str]
    next_cursor: str | None


@dataclass(kw_only=True)
class Toys:
    """The service behind the routes; counts what it did."""

    made: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    version: int = 3

    def make(self, toy_id: str) -> None:
        """Make one, or fail as the test wants."""
        if self.failures:
            raise self.failures.pop(0)
        self.made.append(toy_id)


router: Router[Toys] = Router(tag="Toys")


@router.route(
    "POST",
    "/toys",
    Permission.TASKS_WRITE,
    body=ToyIn,
    answer=ToyOut,
    status=201,
    idempotent=True,
    errors=(ConflictError,),
)
def make_toy(toys: Toys, request: Request[ToyIn]) -> Reply:
    """Make a toy."""
    toy_id = request.new_id()
    toys.make(toy_id)
    body = ToyOut(id=toy_id, name=request.body.name, due_at=request.body.due_at)
    return Reply(body=body, headers={"location": f"/api/v1/toys/{toy_id}"})


@router.route(
    "POST", "/secret-toys", PUBLIC, body=ToyIn, answer=ToyOut, idempotent=True, sealed=True
)
def make_secret_toy(toys: Toys, request: Request[ToyIn]) -> Reply:
    """Make a toy that nobody else may see."""
    toy_id = request.new_id()
    toys.make(toy_id)
    return Reply(body=ToyOut(id=toy_id, name=request.body.name, due_at=None))


@router.route("GET", "/toys", Permission.TASKS_READ, query=ToyQuery, answer=ToyPage)
def list_toys(toys: Toys, request: Request[NoBody, ToyQuery]) -> Reply:
    """List the toys."""
    position = request.position()
    start = int(position["start"]) if position else 0
    end = start + request.query.limit
    names = [f"toy {n}" for n in range(50)][start:end]
    return Reply(
        body=ToyPage(
            items=names, next_cursor=request.next_cursor({"start": end} if end < 50 else None)
        )
    )


@router.route("GET", "/toys/best", PUBLIC)
def get_best_toy(toys: Toys, request: Request) -> Reply:
    """Read the best toy."""
    return Reply(body={"name": "best"})


@router.route("GET", "/toys/{toy_id}", Permission.TASKS_READ, etag=True)
def get_toy(toys: Toys, request: Request) -> Reply:
    """Read a toy."""
    return Reply(body={"id": request.path["toy_id"]}, version=toys.version)


@router.route("PATCH", "/toys/{toy_id}", Permission.TASKS_WRITE, body=ToyIn, if_match=True)
def change_toy(toys: Toys, request: Request[ToyIn]) -> Reply:
    """Change a toy."""
    expected = request.expected_version()
    if expected is not None and expected != toys.version:
        raise PreconditionFailedError
    return Reply(body={"version": toys.version})


@router.route(
    "PUT",
    "/shelves/{key}",
    Permission.TASKS_WRITE,
    path_params={"key": PathParam(pattern="[a-z]{1,8}", doc="The shelf.", example="top")},
    status=204,
)
def put_shelf(toys: Toys, request: Request) -> Reply:
    """Make a shelf."""
    toys.made.append(request.path["key"])
    return Reply()


@router.route("GET", "/limited", PUBLIC, limit="toys")
def get_limited(toys: Toys, request: Request) -> Reply:
    """Read what not everybody may read often."""
    return Reply(body={})


@router.route("GET", "/fail", PUBLIC)
def fail(toys: Toys, request: Request) -> Reply:
    """Go wrong as the test wants."""
    raise toys.failures.pop(0)


@router.route("GET", "/large", PUBLIC)
def get_large(toys: Toys, request: Request) -> Reply:
    """Read too much."""
    return Reply(body="x" * 7_000_000)


@router.route("GET", "/picture", PUBLIC)
def get_picture(toys: Toys, request: Request) -> Reply:
    """Read bytes."""
    return Reply(body=b"\x89PNG\xff", content_type="image/png", cookies=("a=1; Secure",))


class NamedCallers:
    """Takes a token as a role's name; a token of other words is refused."""

    def __init__(self) -> None:
        self.ids = {role: UserId(derived_id(START, role)) for role in Role}

    def authenticate(self, token: str, *, address: str) -> Caller:
        """Return the caller of that role."""
        if token not in set(Role):
            raise UnauthenticatedError
        role = Role(token)
        return Caller(
            user_id=self.ids[role],
            session=SessionId(new_id(START)),
            roles=(RoleName(role),),
            permissions=permissions_of(role),
        )


class BrokenError(NightshiftError):
    """The toy broke."""

    slug = "toy_broken"
    status = 500


def build_toys(world: World, toys: Toys, **environ: str) -> App:
    """Return the app over `world`; `environ` overrides settings."""
    return build_app(
        [router.bind(lambda: toys)],
        environ={**ENVIRON, **environ},
        authenticator=NamedCallers(),
        outside=world.outside,
        rules=[LimitRule(name="toys", limit=3, window_s=10)],
    )
