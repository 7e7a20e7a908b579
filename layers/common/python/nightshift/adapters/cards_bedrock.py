"""The card generator port on Amazon Bedrock's Converse API."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol, cast

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.session import Session

from nightshift.adapters.cards_prompt import TOOL, told
from nightshift.ports.cards import (
    MAX_BACK,
    MAX_CARDS,
    MAX_FRONT,
    CardDraft,
    CardKind,
    Generation,
    GeneratorDeniedError,
    GeneratorError,
    GeneratorRejectedError,
    GeneratorThrottledError,
    GeneratorUnavailableError,
)

MAX_RETRY_AFTER_S = 900
_KINDS: Final[Mapping[str, CardKind]] = {kind.value: kind for kind in CardKind}
_THROTTLED: Final = frozenset({"ThrottlingException", "TooManyRequestsException"})
_PASSING: Final = frozenset(
    {
        "ServiceUnavailableException",
        "InternalServerException",
        "ModelTimeoutException",
        "ModelNotReadyException",
        "ModelErrorException",
    }
)
_DENIED: Final = frozenset(
    {
        "AccessDeniedException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
    }
)
_REFUSED: Final = {
    "content_filtered": "The model's filter withheld the answer on {portion}.",
    "guardrail_intervened": "A guardrail withheld the answer on {portion}.",
    "model_context_window_exceeded": "The model could not take in the whole of {portion}.",
}
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]{1,300}", re.IGNORECASE)
_BROKEN: Final = frozenset({"malformed_model_output", "malformed_tool_use"})


class Conversation(Protocol):
    """The one call of the bedrock-runtime client that is used."""

    def converse(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - the API's own shapes
        """Send messages to a model and return its answer."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BedrockModel:
    """Which model answers, and how it is asked.

    Attributes:
        model_id: a model's or an inference profile's id or ARN.
        region: where it is called; None for the region of the process.
        connect_timeout_s: seconds to reach the service, at most.
        read_timeout_s: seconds to wait for a whole answer, at most.
        attempts: attempts of the client at one call that is throttled or fails in passing.
        max_tokens: tokens of one answer, at most.
        temperature: 0 for the likeliest words, to 1.
        tries: calls for one portion whose answer is malformed or was cut off; at least 1.
        portion_chars: characters of the text in one call, at most.
        max_calls: calls for one text, repeats included; what they do not reach is told.
        budget_s: seconds after which no further call for a text is begun.
        retry_after_s: seconds to wait after throttling that names no time.
    """

    model_id: str
    region: str | None = None
    connect_timeout_s: float = 3
    read_timeout_s: float = 50
    attempts: int = 1
    max_tokens: int = 4_096
    temperature: float = 0.2
    tries: int = 2
    portion_chars: int = 12_000
    max_calls: int = 8
    budget_s: float = 60
    retry_after_s: int = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reply:
    """What one call gave: cards as the model wrote them, or what was wrong with its answer."""

    cards: tuple[Any, ...] = ()
    problem: str = ""
    again: bool = False


class _Budget:
    """The calls that one text may still cost, and until when they may begin."""

    def __init__(self, model: BedrockModel, seconds: Callable[[], float]) -> None:
        self._left = model.max_calls
        self._seconds = seconds
        self._until = seconds() + model.budget_s

    @property
    def allows(self) -> bool:
        """Whether another call may begin."""
        return self._left > 0 and self._seconds() < self._until

    def spend(self) -> None:
        """Count a call."""
        self._left -= 1


class BedrockGenerator:
    """Asks a model for cards, portion by portion, and trusts nothing of what it answers.

    `client` is called at each use and may cache; without it the generator makes its own at the
    first use, as the model says. `seconds` is a clock that never goes back.
    """

    name = "bedrock"

    def __init__(
        self,
        model: BedrockModel,
        client: Callable[[], Conversation] | None = None,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._client = client or cache(lambda: connect(model))
        self._seconds = seconds

    def generate(self, title: str, text: str, *, max_cards: int = MAX_CARDS) -> Generation:
        """Make the cards; see `ports.cards.CardGenerator`.

        A portion that fails after another gave cards is a problem of the generation, not an error.
        """
        portions = split_text(text, self._model.portion_chars)
        if not portions or max_cards <= 0:
            return Generation(cards=(), problems=() if portions else ("The text is empty.",))
        budget = _Budget(self._model, self._seconds)
        kept: dict[str, CardDraft] = {}
        problems: list[str] = []
        for number, portion in enumerate(portions, start=1):
            label = f"part {number} of {len(portions)}" if portions[1:] else "the text"
            if not budget.allows:
                problems.append(f"No cards were made from {label} on: it would have cost too much.")
                break
            share = -(-(max_cards - len(kept)) // (len(portions) - number + 1))
            try:
                reply = self._ask(budget, self._request(title, portion, share), label)
            except GeneratorError as error:
                if not kept:
                    raise
                problems.append(f"No cards were made from {label} on: {error.message}")
                break
            problems += [reply.problem] if reply.problem else []
            room = min(share, max_cards - len(kept))
            kept |= dict(list(_checked(reply.cards, kept, portion))[:room])
        if not kept and not problems:
            problems.append("The model found nothing in the text that a card could ask for.")
        return Generation(cards=tuple(kept.values()), problems=tuple(problems))

    def _ask(self, budget: _Budget, request: Mapping[str, Any], label: str) -> _Reply:
        """Ask for the cards of one portion, again while the answer is malformed."""
        reply = _Reply()
        for _ in range(max(1, self._model.tries)):
            budget.spend()
            reply = _read(self._call(request), label)
            if not reply.again or not budget.allows:
                break
        return reply

    def _call(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self._client().converse(**request)
        except ClientError as error:
            raise self._translated(error) from error
        except NoCredentialsError as error:
            raise GeneratorDeniedError from error
        except ParamValidationError as error:
            raise GeneratorRejectedError from error
        except (ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError) as error:
            raise GeneratorUnavailableError(retry_after_s=self._model.retry_after_s) from error
        except BotoCoreError as error:
            raise GeneratorUnavailableError from error

    def _translated(self, error: ClientError) -> GeneratorError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        delay = _retry_after(error) or self._model.retry_after_s
        if code in _THROTTLED:
            return GeneratorThrottledError(retry_after_s=delay)
        if code in _PASSING:
            return GeneratorUnavailableError(retry_after_s=delay)
        if code in _DENIED:
            return GeneratorDeniedError()
        if code == "ValidationException":
            return GeneratorRejectedError()
        return GeneratorError(f"The card generator failed with {code or 'an unknown error'}.")

    def _request(self, title: str, portion: str, share: int) -> dict[str, Any]:
        return {
            "modelId": self._model.model_id,
            "inferenceConfig": {
                "maxTokens": self._model.max_tokens,
                "temperature": self._model.temperature,
            },
            **told(title, portion, share),
        }


def connect(model: BedrockModel) -> Conversation:
    """Return a client of the model's region that waits as long as the model says."""
    config = Config(
        region_name=model.region,
        connect_timeout=model.connect_timeout_s,
        read_timeout=model.read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": model.attempts},
    )
    return cast("Conversation", Session().create_client("bedrock-runtime", config=config))


def split_text(text: str, size: int) -> list[str]:
    """Cut a text into pieces of at most `size` characters, where a paragraph or sentence ends."""
    pieces, start = [], 0
    text = text.strip()
    while len(text) - start > size:
        end = _cut(text, start, start + size)
        pieces.append(text[start:end].strip())
        start = end
    return [piece for piece in [*pieces, text[start:].strip()] if piece]


def _cut(text: str, start: int, limit: int) -> int:
    """Return where to cut: the last paragraph, sentence or word that ends in the second half."""
    half = start + (limit - start) // 2
    for mark in ("\n\n", "\n", ". ", " "):
        at = text.rfind(mark, half, limit)
        if at > start:
            return at + len(mark)
    return limit


def _retry_after(error: ClientError) -> int:
    """Return the seconds that the service asks to wait, or 0."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    value = str(headers.get("retry-after", ""))
    return min(int(value), MAX_RETRY_AFTER_S) if value.isdecimal() and len(value) < 7 else 0  # noqa: PLR2004 - longer numbers mean nothing


def _read(answer: Mapping[str, Any], label: str) -> _Reply:
    """Take the cards out of an answer, or say why there are none."""
    stop = answer.get("stopReason")
    if stop in _REFUSED:
        return _Reply(problem=_REFUSED[stop].format(portion=label))
    found = _tool_input(answer)
    cards = found.get("cards") if isinstance(found, Mapping) else None
    cards = _from_text(cards)
    if stop == "max_tokens":
        kept = tuple(cards) if isinstance(cards, list) else ()
        problem = f"The model's answer on {label} was cut off: some cards are missing."
        return _Reply(cards=kept, problem=problem, again=not kept)
    if isinstance(cards, list):
        return _Reply(cards=tuple(cards))
    if stop in _BROKEN or found is not None:
        return _Reply(problem=f"The model's answer on {label} was malformed.", again=True)
    return _Reply(problem=f"The model declined to make cards of {label}.")


def _tool_input(answer: Mapping[str, Any]) -> object:
    """Return what the model gave the tool, or None if it did not call it."""
    output = answer.get("output")
    message = output.get("message") if isinstance(output, Mapping) else None
    content = message.get("content") if isinstance(message, Mapping) else None
    for block in content if isinstance(content, Sequence) else ():
        use = block.get("toolUse") if isinstance(block, Mapping) else None
        if isinstance(use, Mapping) and use.get("name") == TOOL:
            return use.get("input", {})
    return None


def _from_text(cards: object) -> object:
    """Read a list that the model wrote as text inside its answer, as some models do."""
    if not isinstance(cards, str):
        return cards
    try:
        return json.loads(cards)
    except (ValueError, RecursionError):
        return None


def _checked(
    cards: Sequence[Any], seen: Mapping[str, CardDraft], text: str
) -> Iterator[tuple[str, CardDraft]]:
    """Yield the cards that are fit to be kept, by their front without case and spaces.

    An address that does not stand in the text is none that a learner should be led to.
    """
    fresh: set[str] = set(seen)
    for card in cards:
        draft = _draft(card)
        key = "".join(draft.front.casefold().split()) if draft else ""
        led = draft and any(found not in text for found in _addresses(draft))
        if draft and key not in fresh and not led:
            fresh.add(key)
            yield key, draft


def _addresses(draft: CardDraft) -> list[str]:
    return _ADDRESS.findall(f"{draft.front}\n{draft.back}")


def _draft(card: object) -> CardDraft | None:
    if not isinstance(card, Mapping):
        return None
    front, back = _tidy(card.get("front")), _tidy(card.get("back"))
    good = 0 < len(front) <= MAX_FRONT and 0 < len(back) <= MAX_BACK
    shown = f" {_bare(back)} " in f" {_bare(front)} "
    if not good or shown:
        return None
    named = card.get("kind")
    kind = _KINDS.get(named) if isinstance(named, str) else None
    return CardDraft(front=front, back=back, kind=kind or CardKind.QUESTION)


def _tidy(value: object) -> str:
    """Return a side of a card without unseen characters and outer spaces, or an empty string."""
    if not isinstance(value, str):
        return ""
    shown = "".join(c for c in value if c.isprintable() or c == "\n")
    return "\n".join(line for line in map(str.strip, shown.split("\n")) if line)


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
