"""The routes of one's own dead letters."""

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody
from nightshift.jobs.api import job_out
from nightshift.jobs.dead import Redriven
from nightshift.jobs.dead_schemas import (
    DeadLetterOut,
    DeadLetterPage,
    DeadLetterQuery,
    DeadLetterWithJob,
    RedriveIn,
    RedriveOut,
)
from nightshift.jobs.errors import (
    DeadLetterNotFoundError,
    JobNotFoundError,
    UniqueKeyTakenError,
)
from nightshift.jobs.schemas import AttemptOut
from nightshift.jobs.wiring import Machine

ATTEMPTS_SHOWN = 20

router: Router[Machine] = Router(tag="Dead letters")


@router.route(
    "GET", "/dead-letters", Permission.JOBS_READ, query=DeadLetterQuery, answer=DeadLetterPage
)
def list_dead_letters(machine: Machine, request: Request[NoBody, DeadLetterQuery]) -> Reply:
    """List the caller's dead letters: messages that no worker could finish."""
    position = request.position()
    letters, after = machine.dead_letters().page(
        request.caller.user_id,
        start_after=str(position["id"]) if position else None,
        limit=request.query.limit,
        wanted=request.query.wanted(),
    )
    cursor = request.next_cursor({"id": after} if after else None)
    items = [DeadLetterOut.of(letter) for letter in letters]
    return Reply(body=DeadLetterPage(items=items, next_cursor=cursor))


@router.route(
    "GET",
    "/dead-letters/{letter_id}",
    Permission.JOBS_READ,
    answer=DeadLetterWithJob,
    errors=(DeadLetterNotFoundError,),
)
def get_dead_letter(machine: Machine, request: Request[NoBody]) -> Reply:
    """Get a dead letter with how its job stands and what its attempts came to."""
    dead_letters = machine.dead_letters()
    letter = dead_letters.get(request.caller.user_id, request.path["letter_id"])
    job, ref = dead_letters.job_of(letter), letter.ref
    attempts = machine.jobs.attempts(ref.kind, ref.subject, ref.job_id) if ref else []
    newest = [AttemptOut.of(a) for a in reversed(attempts[-ATTEMPTS_SHOWN:])]
    body = DeadLetterWithJob.of(letter, job=job and job_out(machine, job), attempts=newest)
    return Reply(body=body)


@router.route(
    "DELETE",
    "/dead-letters/{letter_id}",
    Permission.JOBS_WRITE,
    status=204,
    errors=(DeadLetterNotFoundError,),
)
def delete_dead_letter(machine: Machine, request: Request[NoBody]) -> Reply:
    """Forget a dead letter; its job stays as it is."""
    dead_letters = machine.dead_letters()
    dead_letters.forget(dead_letters.get(request.caller.user_id, request.path["letter_id"]))
    return Reply()


@router.route(
    "POST",
    "/dead-letters/{letter_id}/redrive",
    Permission.JOBS_WRITE,
    answer=RedriveOut,
    status=202,
    idempotent=True,
    errors=(DeadLetterNotFoundError, JobNotFoundError, UniqueKeyTakenError, ConflictError),
)
def redrive_dead_letter(machine: Machine, request: Request[NoBody]) -> Reply:
    """Try a dead letter's job again.

    409, and the letter stays, while another job of the same unique key is open.
    """
    ref = machine.dead_letters().redrive(request.caller.user_id, request.path["letter_id"])
    return Reply(body=RedriveOut.of(Redriven(refs=(ref,))))


@router.route(
    "POST",
    "/dead-letters/redrive",
    Permission.JOBS_WRITE,
    body=RedriveIn,
    answer=RedriveOut,
    status=202,
    idempotent=True,
)
def redrive_dead_letters(machine: Machine, request: Request[RedriveIn]) -> Reply:
    """Try all dead letters again, or some of them; one that cannot be tried spoils no other."""
    body = request.body
    done = machine.dead_letters().redrive_all(
        request.caller.user_id, body.wanted(), limit=body.limit
    )
    return Reply(body=RedriveOut.of(done))
