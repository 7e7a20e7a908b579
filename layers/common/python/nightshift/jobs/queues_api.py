"""The routes of the queues and of everybody's dead letters, for administrators."""

from nightshift.core.access import Permission
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PathParam, Router
from nightshift.http.schemas import NoBody, PageQuery
from nightshift.jobs.dead import DeadLetter
from nightshift.jobs.dead_schemas import AnyDeadLetterOut, AnyDeadLetterPage, RedriveIn, RedriveOut
from nightshift.jobs.errors import DeadLetterNotFoundError
from nightshift.jobs.model import QueueName
from nightshift.jobs.queues_schemas import QueueList, QueueOut
from nightshift.jobs.wiring import Machine

NAMES = "|".join(QueueName)
QUEUE = PathParam(pattern=f"(?:{NAMES})", doc="The queue's name.", example="default")
BY_NAME = {"queue": QUEUE}

router: Router[Machine] = Router(tag="Queues")


@router.route("GET", "/queues", Permission.QUEUES_READ, answer=QueueList)
def list_queues(machine: Machine, _request: Request[NoBody]) -> Reply:
    """List the queues: how full they are, and which are paused."""
    return Reply(body=QueueList(items=[QueueOut.of(q) for q in machine.queues.views()]))


@router.route(
    "GET", "/queues/{queue}", Permission.QUEUES_READ, answer=QueueOut, path_params=BY_NAME
)
def get_queue(machine: Machine, request: Request[NoBody]) -> Reply:
    """Get one queue."""
    return Reply(body=QueueOut.of(machine.queues.view(QueueName(request.path["queue"]))))


@router.route(
    "POST", "/queues/{queue}/pause", Permission.QUEUES_WRITE, answer=QueueOut, path_params=BY_NAME
)
def pause_queue(machine: Machine, request: Request[NoBody]) -> Reply:
    """Let nothing of a queue begin; what runs goes on, and what comes is held.

    Workers follow within seconds. Pausing a paused queue changes nothing.
    """
    name = QueueName(request.path["queue"])
    return Reply(body=QueueOut.of(machine.queues.pause(name, by=request.caller.user_id)))


@router.route(
    "POST", "/queues/{queue}/resume", Permission.QUEUES_WRITE, answer=QueueOut, path_params=BY_NAME
)
def resume_queue(machine: Machine, request: Request[NoBody]) -> Reply:
    """Let a queue go on; what was held is sent again within two minutes."""
    name = QueueName(request.path["queue"])
    return Reply(body=QueueOut.of(machine.queues.resume(name, by=request.caller.user_id)))


@router.route(
    "GET",
    "/queues/{queue}/dead-letters",
    Permission.QUEUES_READ,
    query=PageQuery,
    answer=AnyDeadLetterPage,
    path_params=BY_NAME,
)
def list_dead_letters_of_queue(machine: Machine, request: Request[NoBody, PageQuery]) -> Reply:
    """List a queue's dead letters, whoever owns them, and those that cannot be read."""
    position = request.position()
    letters, after = machine.dead_letters().page_of_queue(
        request.path["queue"],
        start_after=str(position["id"]) if position else None,
        limit=request.query.limit,
    )
    cursor = request.next_cursor({"id": after} if after else None)
    return Reply(body=AnyDeadLetterPage(items=[_any(x) for x in letters], next_cursor=cursor))


def _any(letter: DeadLetter) -> AnyDeadLetterOut:
    return AnyDeadLetterOut.of(letter, owner_id=letter.owner_id, body=letter.body)


@router.route(
    "POST",
    "/queues/{queue}/dead-letters/redrive",
    Permission.QUEUES_WRITE,
    body=RedriveIn,
    answer=RedriveOut,
    status=202,
    idempotent=True,
    path_params=BY_NAME,
)
def redrive_dead_letters_of_queue(machine: Machine, request: Request[RedriveIn]) -> Reply:
    """Try a queue's dead letters again, whoever owns them."""
    body = request.body
    done = machine.dead_letters().redrive_queue(
        request.path["queue"], body.wanted(), limit=body.limit
    )
    return Reply(body=RedriveOut.of(done))


@router.route(
    "DELETE",
    "/queues/{queue}/dead-letters/{letter_id}",
    Permission.QUEUES_WRITE,
    status=204,
    path_params=BY_NAME,
    errors=(DeadLetterNotFoundError,),
)
def delete_dead_letter_of_queue(machine: Machine, request: Request[NoBody]) -> Reply:
    """Forget a dead letter, such as one that cannot be read."""
    dead_letters = machine.dead_letters()
    letter = dead_letters.get_of_queue(request.path["queue"], request.path["letter_id"])
    dead_letters.forget(letter)
    return Reply()
