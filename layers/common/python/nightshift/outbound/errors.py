"""What can be wrong with a call that a user describes."""

from nightshift.core.errors import InvalidInputError


class InvalidWebhookUrlError(InvalidInputError):
    """The URL cannot be called; give an absolute http or https URL of a public host."""

    slug = "invalid_webhook_url"


class InvalidHeadersError(InvalidInputError):
    """The headers cannot be sent."""

    slug = "invalid_headers"
