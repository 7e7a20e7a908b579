"""Bodies and answers of the memo API."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from nightshift.http.schemas import ApiModel, UtcTime
from nightshift.memos.model import Memo, MemoStatus
from nightshift.memos.service import Amendment
from nightshift.memos.settings import MAX_TEXT_CHARS

MAX_TITLE_CHARS = 200


def check_text(text: str) -> str:
    """Refuse a text in which there is nothing to read.

    Raises:
        ValueError: it is blank.
    """
    if not text.strip():
        raise ValueError("The text has no words; write at least one")
    return text


def _check_title(title: str) -> str:
    if not title.isprintable() or title != title.strip():
        raise ValueError("Use printable characters, with no space at either end")
    return title


Title = Annotated[
    str, Field(min_length=1, max_length=MAX_TITLE_CHARS), AfterValidator(_check_title)
]
Text = Annotated[str, Field(min_length=1), AfterValidator(check_text)]


class MemoIn(ApiModel):
    """A memo to make cards of."""

    title: Title | None = Field(default=None, description="What the text is about.")
    text: Text = Field(
        description="What the cards are made of: plain text or Markdown, up to "
        f"{MAX_TEXT_CHARS} characters unless the server sets less; a longer one is 413.",
        examples=["Photosynthesis is the process by which plants make sugar from light."],
    )


class MemoPatch(ApiModel):
    """What is to change of a memo; what is left out stays."""

    title: Title | None = Field(default=None, description="A new title; null removes it.")
    text: Text | None = Field(default=None, description="A new text; it cannot be removed.")
    regenerate: bool = Field(
        default=False,
        description="Make cards of the new text. Cards whose fact is still there keep their "
        "reviews. While cards are being made already, a new text makes them anew in any case.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if "text" in self.model_fields_set and self.text is None:
            raise ValueError("A memo needs a text; leave `text` out to keep it")
        return self

    def amendment(self) -> Amendment:
        """Return the service's form."""
        return Amendment(
            title=self.title,
            retitle="title" in self.model_fields_set,
            text=self.text,
            regenerate=self.regenerate,
        )


class MemoOut(ApiModel):
    """A memo and how far its cards are."""

    id: str
    title: str | None
    excerpt: str = Field(description="The beginning of the text.")
    status: MemoStatus
    card_count: int
    problems: list[str] = Field(description="What no cards could be made of, and why.")
    error: str | None = Field(description="Why making the cards failed: a stable slug.")
    error_message: str | None
    job_id: str = Field(description="The job that makes the cards, or made them.")
    generation: int = Field(description="How many times cards were asked for.")
    generator: str | None = Field(description="What made the cards.")
    is_outdated: bool = Field(description="Whether the text changed since its cards were made.")
    created_at: UtcTime
    updated_at: UtcTime
    version: int

    @classmethod
    def of(cls, memo: Memo) -> Self:
        """Return the API's form."""
        return cls(**_shown(memo))


class MemoWithText(MemoOut):
    """A memo with its text."""

    text: str

    @classmethod
    def with_text(cls, memo: Memo, text: str) -> Self:
        """Return the API's form."""
        return cls(**_shown(memo), text=text)


def _shown(memo: Memo) -> dict[str, Any]:
    same = ("id", "title", "excerpt", "status", "card_count", "error", "error_message", "job_id")
    more = ("generation", "generator", "is_outdated", "created_at", "updated_at", "version")
    return {name: getattr(memo, name) for name in (*same, *more)} | {
        "problems": list(memo.problems)
    }


class MemoAccepted(ApiModel):
    """A memo whose cards are being made, and the job that does it."""

    memo: MemoOut
    job_id: str

    @classmethod
    def of(cls, memo: Memo) -> Self:
        """Return the API's form."""
        return cls(memo=MemoOut.of(memo), job_id=memo.job_id)


class MemoPage(ApiModel):
    """A page of memos, newest first, without their texts."""

    items: list[MemoOut]
    next_cursor: str | None
