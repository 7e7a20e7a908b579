"""What can be wrong with a mail before it is a job."""

from nightshift.core.errors import BadRequestError, InvalidInputError, NotFoundError


class BadMailDataError(InvalidInputError):
    """The data does not fit the template."""

    slug = "bad_mail_data"


class BadAddressError(InvalidInputError):
    """This is no email address that mail can be sent to."""

    slug = "bad_address"


class SuppressionNotFoundError(NotFoundError):
    """The address is not on the suppression list."""

    slug = "suppression_not_found"


class UnsubscribeTokenError(BadRequestError):
    """This link to unsubscribe is not valid; choose your mails in your settings."""

    slug = "unsubscribe_token_invalid"
