"""The SDK's own check of a request's shape, against the service models that botocore ships."""

from functools import cache
from typing import Any, TypeAlias

from botocore.exceptions import ParamValidationError
from botocore.model import OperationModel, ServiceModel
from botocore.session import Session
from botocore.validate import ParamValidator

from tests.support.faults import Request

Argument: TypeAlias = Any
"""An argument of a client's operation: checked by its shape at run time, as the SDK does."""

_VALIDATOR = ParamValidator()


@cache
def _service(service: str) -> ServiceModel:
    return Session().get_service_model(service)


@cache
def _operation(service: str, operation: str) -> OperationModel:
    return _service(service).operation_model(operation)


def check_parameters(service: str, operation: str, request: Request) -> None:
    """Refuse what the SDK would refuse before it sends anything; about 20 us.

    Raises:
        ParamValidationError: an unknown or missing parameter, or a value of the wrong type.
    """
    shape = _operation(service, operation).input_shape
    if shape is None:
        return
    report = _VALIDATOR.validate(dict(request), shape)
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())
