"""All routers of the tasks context, in the order in which the documentation shows them."""

from nightshift.http.routing import Router
from nightshift.tasks.api import router as tasks_router
from nightshift.tasks.backfill_api import router as backfill_router
from nightshift.tasks.batch_api import router as batch_router
from nightshift.tasks.flow_api import router as flow_router
from nightshift.tasks.runs_api import router as runs_router
from nightshift.tasks.secret_api import router as secret_router
from nightshift.tasks.wiring import Context

ROUTERS: tuple[Router[Context], ...] = (
    tasks_router,
    batch_router,
    secret_router,
    runs_router,
    backfill_router,
    flow_router,
)
