"""A client of bedrock-runtime whose answers are written down; nothing goes out."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from botocore.session import Session
from botocore.stub import ANY, Stubber

from nightshift.adapters.cards_bedrock import BedrockGenerator, BedrockModel, Conversation
from nightshift.adapters.cards_prompt import TOOL

MODEL = BedrockModel(model_id="example.model-v1:0", region="eu-central-1", portion_chars=200)
FACT = {"front": "When was Odda founded?", "back": "In 1912", "kind": "date"}


def answer(cards: object, stop: str = "tool_use", *, tool: str = TOOL) -> dict[str, Any]:
    """Return an answer whose tool call carries `cards`."""
    use = {"toolUseId": "t1", "name": tool, "input": {"cards": cards}}
    return spoken({"toolUse": use}, stop=stop)


def spoken(*content: Mapping[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    """Return an answer of these blocks."""
    return {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": stop,
        "usage": {"inputTokens": 10, "outputTokens": 10, "totalTokens": 20},
        "metrics": {"latencyMs": 5},
    }


@contextmanager
def generator(
    answers: Iterable[Mapping[str, Any] | str], **changes: Any
) -> Iterator[BedrockGenerator]:
    """Give a generator that gets these answers; a string is the code of an error.

    At the end every answer has been asked for.
    """
    client = Session().create_client(
        "bedrock-runtime",
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )
    with Stubber(client) as stubber:
        for one in answers:
            if isinstance(one, str):
                code, _, after = one.partition(" ")
                meta = {"HTTPHeaders": {"retry-after": after}} if after else {}
                stubber.add_client_error("converse", code, response_meta=meta)
            else:
                stubber.add_response("converse", dict(one), dict.fromkeys(_ASKED, ANY))
        yield BedrockGenerator(replace(MODEL, **changes), lambda: cast("Conversation", client))
        stubber.assert_no_pending_responses()


_ASKED = ("modelId", "system", "messages", "inferenceConfig", "toolConfig")
