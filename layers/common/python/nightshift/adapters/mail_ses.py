"""The mail port on Amazon SES (API v2, SendEmail with the raw message).

SES knows no idempotency: a call whose answer is lost may have sent. So the SDK makes one attempt
only, what it raises is told apart by whether the mail can have been taken, and the caller decides.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    SSLError,
)

from nightshift.ports.mail import (
    MailError,
    MailRefusedError,
    MailThrottledError,
    MailUnavailableError,
    MailUncertainError,
    OutgoingMail,
)

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

TAG = "nightshift-mail"
DAILY_QUOTA_RETRY_S = 3_600
_NEVER_SENT = (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    SSLError,
)
_ERRORS: Mapping[str, type[MailError]] = {
    "MessageRejected": MailRefusedError,
    "BadRequestException": MailRefusedError,
    "MailFromDomainNotVerifiedException": MailRefusedError,
    "NotFoundException": MailRefusedError,
    "ValidationException": MailRefusedError,
    "AccountSuspendedException": MailRefusedError,
    "SendingPausedException": MailUnavailableError,
    "TooManyRequestsException": MailThrottledError,
    "ThrottlingException": MailThrottledError,
    "Throttling": MailThrottledError,
    "LimitExceededException": MailThrottledError,
}


class SesMail:
    """Sends through SES; `client` must not retry by itself. Nothing is read at construction."""

    name = "ses"

    def __init__(self, client: "Callable[[], SESV2Client]", *, configuration_set: str = "") -> None:
        self._client = client
        self._configuration_set = configuration_set

    def send(self, mail: OutgoingMail) -> str:
        """Hand the mail over; see `ports.mail.MailTransport`."""
        if not mail.to.isascii():
            raise MailRefusedError("SES takes no address whose local part is not ASCII.")
        extra = {"ConfigurationSetName": self._configuration_set} if self._configuration_set else {}
        try:
            answer = self._client().send_email(
                FromEmailAddress=mail.sender,
                Destination={"ToAddresses": [mail.to]},
                Content={"Raw": {"Data": mail.message}},
                EmailTags=[{"Name": TAG, "Value": mail.mail_id}],
                **extra,  # type: ignore[arg-type]  # one known parameter
            )
        except ClientError as error:
            raise _meant(error) from error
        except _NEVER_SENT as error:
            raise MailUnavailableError from error
        except BotoCoreError as error:
            raise MailUncertainError from error
        return str(answer["MessageId"])


def _meant(error: ClientError) -> MailError:
    """Return what an answer means; 5xx may come after the mail was taken."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code not in _ERRORS:
        if status >= 500:  # noqa: PLR2004 - HTTP's class of server errors
            return MailUncertainError(f"SES answered {code}.")
        return MailUnavailableError(f"SES answered {code}.")
    kind = _ERRORS[code]
    if kind is MailThrottledError and "quota" in message.lower():
        return MailThrottledError(f"SES answered {code}.", retry_after_s=DAILY_QUOTA_RETRY_S)
    return kind(f"SES answered {code}.")
