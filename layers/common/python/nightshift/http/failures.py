"""What an exception that no handler expected means to the client."""

from collections.abc import Mapping
from http import HTTPStatus

from nightshift.aws.dynamo import TransactionConflictError
from nightshift.core.errors import ConflictError, NightshiftError, UnavailableError

_THROTTLES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_RETRY_S = 2


class UnexpectedError(NightshiftError):
    """Something went wrong on our side; the request id helps to find out what."""


def as_domain_error(error: Exception) -> NightshiftError:
    """Return the domain error to answer with; what nobody expected tells nothing of itself."""
    if isinstance(error, NightshiftError):
        return error
    if isinstance(error, TransactionConflictError):
        return ConflictError()
    if _is_unavailable(error):
        return UnavailableError(retry_after_s=_RETRY_S)
    return UnexpectedError()


def _is_unavailable(error: Exception) -> bool:
    """Tell whether a service did not answer, or asked to slow down; our own bad call is neither."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        code = response.get("Error", {}).get("Code", "")
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code in _THROTTLES or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    is_from_sdk = type(error).__module__ in {"botocore.exceptions", "botocore.httpsession"}
    return isinstance(error, TimeoutError) or is_from_sdk
