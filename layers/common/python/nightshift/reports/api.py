"""The route of reports."""

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError, ForbiddenError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import OptionalSignIn, PathParam, Router
from nightshift.http.schemas import NoBody
from nightshift.jobs.errors import QueueFullError
from nightshift.reports.errors import InvalidPeriodError
from nightshift.reports.model import USERNAME_PATTERN, visitor_of
from nightshift.reports.schemas import ReportAnswer, ReportQuery, answer_of
from nightshift.reports.wiring import ReportsContext

USERNAME = PathParam(
    pattern=USERNAME_PATTERN,
    doc="A name on GitHub: letters, digits and single hyphens within, 39 at most.",
    example="octocat",
)

router: Router[ReportsContext] = Router(tag="Reports")


@router.route(
    "GET",
    "/reports/{username}",
    OptionalSignIn(permission=Permission.REPORTS_READ),
    query=ReportQuery,
    answer=ReportAnswer,
    path_params={"username": USERNAME},
    errors=(InvalidPeriodError, QueueFullError, ConflictError),
)
def get_report(reports: ReportsContext, request: Request[NoBody, ReportQuery]) -> Reply:
    """Read what somebody did on GitHub in a period.

    The cached report comes at once. If it is stale or missing, the visit of somebody signed in who
    has `reports:write` has it made anew by a job, and the answer names it; `force` always does.
    For a minute after a failure only `force` does. Whoever is not signed in gets what there is.
    """
    query, visitor = request.query, visitor_of(request.principal)
    if query.force and visitor.is_signed_in and not visitor.may_refresh:
        raise ForbiddenError(f"force needs the permission {Permission.REPORTS_WRITE}.")
    wish = reports.reports.wish(
        request.path["username"], query.period, show_star_increase=query.show_star_increase
    )
    return Reply(body=answer_of(reports.reports.look(wish, visitor, force=query.force)))
