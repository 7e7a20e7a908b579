"""What pages load, for everybody, and where the site begins."""

from nightshift.console import assets
from nightshift.console.pages import Handler, PageRequest, PageRoute, see_other
from nightshift.console.ways import HOME
from nightshift.http.reply import Reply
from nightshift.http.routing import PUBLIC


def routes() -> list[PageRoute]:
    """Return the routes of files, and of the address without a path."""
    return [_route("/", _home), _route("/static/{name}", _file), _route("/favicon.ico", _icon)]


def _route(path: str, handler: Handler) -> PageRoute:
    return PageRoute(method="GET", path=path, access=PUBLIC, handler=handler, knows_visitor=False)


def _home(_: PageRequest) -> Reply:
    return see_other(HOME)


def _file(request: PageRequest) -> Reply:
    return assets.serve(request.path["name"])


def _icon(_: PageRequest) -> Reply:
    return assets.serve_icon()
