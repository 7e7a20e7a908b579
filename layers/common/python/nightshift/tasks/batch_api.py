"""The routes of many tasks at once: one result for each, and one that is wrong spoils no other."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pydantic import ValidationError

from nightshift.core.access import Permission
from nightshift.core.errors import NightshiftError, UnavailableError
from nightshift.core.ids import derived_id, id_time
from nightshift.http.problem import invalid_input, problem_reply
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import ApiModel
from nightshift.observability import get_log
from nightshift.tasks.api import task_out
from nightshift.tasks.batch_schemas import BatchDeleteIn, BatchIn, BatchItem, BatchOut
from nightshift.tasks.errors import TaskNotFoundError
from nightshift.tasks.schemas import TaskIn
from nightshift.tasks.wiring import Context

BATCH_THREADS = 8

B = TypeVar("B", bound=ApiModel)
T = TypeVar("T")

router: Router[Context] = Router(tag="Tasks")


@router.route(
    "POST",
    "/tasks/batch",
    Permission.TASKS_WRITE,
    verified=True,
    body=BatchIn,
    answer=BatchOut,
    status=207,
    idempotent=True,
)
def create_tasks(nightshift: Context, request: Request[BatchIn]) -> Reply:
    """Create up to 100 tasks.

    The answer has one result for each, in order; one that is wrong does not spoil the others.
    """
    owner = request.caller.user_id

    def create(item: tuple[str, object]) -> BatchItem:
        task_id, raw = item
        view = nightshift.tasks.create(owner, _read_task(raw).definition(), task_id=task_id)
        return BatchItem(status=201, id=view.task.id, task=task_out(nightshift, view))

    return _batch(request, create, list(zip(_ids(request), request.body.tasks, strict=False)))


@router.route(
    "DELETE",
    "/tasks/batch",
    Permission.TASKS_WRITE,
    body=BatchDeleteIn,
    answer=BatchOut,
    status=207,
)
def delete_tasks(nightshift: Context, request: Request[BatchDeleteIn]) -> Reply:
    """Delete up to 100 tasks; the answer has one result for each, in order."""
    owner = request.caller.user_id

    def delete(task_id: str) -> BatchItem:
        try:
            nightshift.tasks.delete(owner, task_id)
        except TaskNotFoundError as error:
            return _failed(error, request.raw.request_id, task_id)
        return BatchItem(status=204, id=task_id)

    return _batch(request, delete, request.body.task_ids)


def _ids(request: Request[BatchIn]) -> list[str]:
    """Return an id for each task of a batch: the same ones when the request is run again."""
    first = request.new_id()
    moment = id_time(first)
    return [derived_id(moment, first, str(n)) for n in range(len(request.body.tasks))]


def _read_task(raw: object) -> TaskIn:
    try:
        return TaskIn.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        raise invalid_input(error, known=tuple(TaskIn.model_fields)) from error


def _batch(request: Request[B], act: Callable[[T], BatchItem], items: Sequence[T]) -> Reply:
    def one(item: T) -> BatchItem:
        try:
            return act(item)
        except NightshiftError as error:
            return _failed(error, request.raw.request_id)
        except Exception:  # noqa: BLE001 - the batch loop: one item never spoils the others
            get_log().failure("tasks.batch_item_failed")
            return _failed(UnavailableError(), request.raw.request_id)

    with ThreadPoolExecutor(BATCH_THREADS) as pool:
        return Reply(body=BatchOut(items=list(pool.map(one, items))), status=207)


def _failed(error: NightshiftError, request_id: str, asked: str | None = None) -> BatchItem:
    answer = problem_reply(error, request_id=request_id)
    return BatchItem(status=error.status, id=asked, problem=json.loads(answer.body))
