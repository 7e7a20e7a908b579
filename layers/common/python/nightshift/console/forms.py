"""What was typed into a form, and what a page says when it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from nightshift.core.errors import FieldError, InvalidInputError, NightshiftError
from nightshift.http.schemas import ApiModel

A = TypeVar("A", bound=ApiModel)
_NAMES = {"email": "e-mail address", "locale": "language"}
_MESSAGES = {"stale_form": "This form was out of date. Here it is anew: please send it again."}
"""In place of an error's own, where the form is shown again."""
_UNAUTHENTICATED, _UNPROCESSABLE = 401, 422


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a form was refused, in words.

    Attributes:
        status: of the page; a wrong password is no 401, which would ask for an Authorization
            header (RFC 9110 section 11.6.1).
        slug: of the error, for pages that know a way out of some.
        fields: what is wrong with a field, by its name.
        wait_s: after how many seconds it can be tried again, None if that says nothing.
    """

    message: str
    status: int
    slug: str
    fields: Mapping[str, str] = field(default_factory=dict)
    wait_s: int | None = None

    @classmethod
    def of(cls, error: NightshiftError) -> "Refusal":
        """Return what is said of an error."""
        message = _MESSAGES.get(error.slug, error.message)
        if error.errors:
            message = "Something is not right yet."
        elif error.retry_after_s:
            message = message.partition(";")[0].rstrip(".") + "."
        return cls(
            message=message,
            status=_UNPROCESSABLE if error.status == _UNAUTHENTICATED else error.status,
            slug=error.slug,
            fields={found.field: found.message for found in error.errors},
            wait_s=error.retry_after_s,
        )

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that go along."""
        return {"retry-after": str(self.wait_s)} if self.wait_s else {}


def read_form(model: type[A], values: Mapping[str, Any]) -> A:
    """Return what was typed as `model`; what it does not know is left alone.

    Raises:
        InvalidInputError: says for each field what would be right.
    """
    try:
        return model.model_validate({k: v for k, v in values.items() if k in model.model_fields})
    except ValidationError as error:
        found = [
            FieldError(field=str(one["loc"][0]), message=_words(one))
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise InvalidInputError(errors=found) from error


def _words(found: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    kind, context = found["type"], found.get("ctx", {})
    name = _NAMES.get(str(found["loc"][0]), str(found["loc"][0]).replace("_", " "))
    if kind == "missing" or context.get("min_length") == 1:
        return f"The {name} is missing."
    if kind == "string_too_long":
        return f"The {name} has {context['max_length']} characters at most."
    return str(found["msg"]).removeprefix("Value error, ").rstrip(".") + "."
