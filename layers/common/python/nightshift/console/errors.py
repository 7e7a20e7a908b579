"""What can be wrong with a request for a page."""

from nightshift.core.errors import BadRequestError, ForbiddenError, NotFoundError


class CrossSiteError(ForbiddenError):
    """This form was sent from another site, so nothing was done."""

    slug = "cross_site_form"


class StaleFormError(ForbiddenError):
    """This form is out of date: go back, load the page anew and send it again."""

    slug = "stale_form"


class BadFormError(BadRequestError):
    """What was sent cannot be read."""

    slug = "bad_form"


class PageNotFoundError(NotFoundError):
    """There is no page at this address."""

    slug = "page_not_found"
