"""Logs, metrics and traces behind one small door.

Every line is JSON with a stable `action` and ids. What must never be kept (bodies, tokens,
addresses, e-mail) is masked twice: by the name of the field, and by its look anywhere in the
line, so that a stack trace cannot carry it out either. Metrics are imported when first used: the
functions that deliver calls start faster without them.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import IO, Any

from aws_lambda_powertools import Logger

NAMESPACE = "Nightshift"
MASK = "[masked]"
Field = str | int | float | bool | None

_SECRET_NAMES = re.compile(
    r"(?i)(?:^|_)(?:authorization|body|cookie|email|e_mail|ip|password|payload|secret|signature|"
    r"source_ip|token|user_agent|webhook_url)$"
)
_SECRET_LOOKS = re.compile(
    r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*"  # a JWT
    r"|\b(?:nsr|nsk|nsp|nsv|whsec)_[\w+/=-]{8,}"  # our own opaque tokens
    r"|(?i:bearer)\s+[\w.~+/=-]{8,}"
    r"|[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"  # an e-mail address
)


def redact(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return `record` with the fields masked whose names speak of secrets, at any depth."""
    return {
        key: MASK if _SECRET_NAMES.search(key) and value is not None else _inner(value)
        for key, value in record.items()
    }


def serialise(record: dict[str, Any]) -> str:
    """Return the log line of `record`, with secrets masked by name and by look."""
    return json.dumps(redact(record), default=_as_text, separators=(",", ":"))


def _as_text(value: object) -> str:
    return _SECRET_LOOKS.sub(MASK, str(value))


def _inner(value: Any) -> Any:  # noqa: ANN401 - log records hold whatever they are given
    if isinstance(value, Mapping):
        return redact(value)
    if isinstance(value, list | tuple):
        return [_inner(one) for one in value]
    if isinstance(value, str):
        return _SECRET_LOOKS.sub(MASK, value)
    return value


class Log:
    """Writes lines that say what happened (`action`) to what (ids)."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def info(self, action: str, **fields: Field) -> None:
        """Log something that went as it should."""
        self._logger.info(action, extra={"action": action, **fields})

    def warning(self, action: str, **fields: Field) -> None:
        """Log something that a person may want to look at."""
        self._logger.warning(action, extra={"action": action, **fields})

    def failure(self, action: str, **fields: Field) -> None:
        """Log a failure, with the stack of the exception that is being handled, if any."""
        handled = sys.exc_info()[0] is not None
        self._logger.error(action, exc_info=handled, extra={"action": action, **fields})

    def crash(self, action: str, error: BaseException, **fields: Field) -> None:
        """Log a failure with the stack of `error`, wherever it was caught."""
        self._logger.error(action, exc_info=error, extra={"action": action, **fields})

    def batch(self, action: str, lines: Sequence[str]) -> None:
        """Log what happened to several things in one line, as the list `items`."""
        self._logger.info(action, extra={"action": action, "items": list(lines)})

    def bind(self, **ids: str) -> None:
        """Put `ids` on every line from now until `unbind`."""
        self._logger.append_keys(**ids)

    def unbind(self, *names: str) -> None:
        """Take back what `bind` put there."""
        self._logger.remove_keys(names)


@cache
def get_log() -> Log:
    """Return the process's log; its level and service name come from Powertools' variables."""
    return make_log()


def make_log(*, service: str | None = None, stream: IO[str] | None = None) -> Log:
    """Return a log that writes to `stream`, standard output by default."""
    logger = Logger(
        service=service,
        stream=stream,
        json_serializer=serialise,
        utc=True,
        use_rfc3339=True,
        location=None,
    )
    return Log(logger)


def count(name: str, value: float = 1, **dimensions: str) -> None:
    """Write one business outcome as a CloudWatch metric (embedded metric format)."""
    measure(name, value, "Count", **dimensions)


def measure(name: str, value: float, unit: str, **dimensions: str) -> None:
    """Write one measurement; `unit` is CloudWatch's name for it, such as "Milliseconds"."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric  # noqa: PLC0415 - cold start

    with single_metric(
        name=name, unit=MetricUnit(unit), value=value, namespace=NAMESPACE
    ) as metric:
        for key, text in dimensions.items():
            metric.add_dimension(name=key, value=text)


def measure_all(metrics: Mapping[str, tuple[str, Sequence[float]]], **dimensions: str) -> None:
    """Write several metrics, each with any number of values, as one line; see `measure`."""
    from aws_lambda_powertools import Metrics  # noqa: PLC0415 - cold start

    blob = Metrics(namespace=NAMESPACE)
    for key, text in dimensions.items():
        blob.add_dimension(name=key, value=text)
    for name, (unit, values) in metrics.items():
        for value in values:
            blob.add_metric(name=name, unit=unit, value=value)
    blob.flush_metrics()
