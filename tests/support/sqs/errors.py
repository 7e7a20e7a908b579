"""Refusals, as Amazon SQS words them."""

from typing import Any

from botocore.exceptions import ClientError


class RefusedError(Exception):
    """SQS refuses; the client's boundary turns this into botocore's ClientError."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)

    def as_client_error(self, operation: str) -> ClientError:
        """Return what the SDK raises for it."""
        response: dict[str, Any] = {
            "Error": {"Code": self.code, "Message": self.message, "Type": "Sender"},
            "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 0},
        }
        return ClientError(response, operation)  # type: ignore[arg-type]  # only what is read


def bad_value(value: object, parameter: str, reason: str) -> RefusedError:
    """Return the refusal of a parameter's value."""
    return RefusedError(
        "InvalidParameterValue",
        f"Value {value} for parameter {parameter} is invalid. Reason: {reason}.",
    )


def bad_handle(handle: str) -> RefusedError:
    """Return the refusal of a receipt handle that was never given out."""
    return RefusedError(
        "ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid handle.'
    )


def unknown_queue() -> RefusedError:
    """Return the refusal of a queue that does not exist."""
    return RefusedError(
        "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."
    )
