"""Refusals, as the service words them."""

from typing import Any

from botocore.exceptions import ClientError


class RejectedError(Exception):
    """The service refuses; the client's boundary turns this into botocore's ClientError."""

    def __init__(self, code: str, message: str, **extra: object) -> None:
        self.code = code
        self.message = message
        self.extra = extra
        super().__init__(message)

    def as_client_error(self, operation: str) -> ClientError:
        """Return what the SDK raises for it."""
        response: dict[str, Any] = {
            "Error": {"Code": self.code, "Message": self.message},
            "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 0},
            "message": self.message,
            **self.extra,
        }
        return ClientError(response, operation)  # type: ignore[arg-type]  # extras are modelled


def invalid(message: str) -> RejectedError:
    """Return a ValidationException."""
    return RejectedError("ValidationException", message)


def invalid_parameter(message: str) -> RejectedError:
    """Return a ValidationException about a value of the request."""
    return invalid(f"One or more parameter values were invalid: {message}")
