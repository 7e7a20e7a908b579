"""Builds the memos context on an engine, one object graph a process."""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.environment import SettingsError, load
from nightshift.jobs.wiring import Machine, get_machine
from nightshift.memos.card_store import CardStore
from nightshift.memos.cards import CardService
from nightshift.memos.jobs import CardMaking, cards_kind, purge_kind
from nightshift.memos.settings import MemoSettings, MemosTable
from nightshift.memos.store import MemoStore
from nightshift.ports.cards import CardGenerator

if TYPE_CHECKING:
    from nightshift.memos.reviews import ReviewService
    from nightshift.memos.service import MemoService


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """What the context stands on beside the engine; tests give fakes.

    `generator` is called at each use and may cache. `new_token` never gives the same text twice.
    """

    table: Table
    generator: Callable[[], CardGenerator]
    new_token: Callable[[], str]


class MemosContext:
    """The memos context on an engine, with its kinds put into it.

    What only some functions need is made, and imported, when it is asked for.
    """

    def __init__(self, machine: Machine, outside: Outside, settings: MemoSettings) -> None:
        self._machine = machine
        self._settings = settings
        self._store = MemoStore(outside.table)
        self._card_store = CardStore(outside.table)
        self.clock = machine.parts.clock
        making = CardMaking(
            memos=self._store,
            cards=self._card_store,
            generator=outside.generator,
            clock=self.clock,
            new_token=outside.new_token,
            max_cards=settings.memo_max_cards,
            bus=machine.parts.bus,
        )
        self._cards_kind = cards_kind(making)
        self._purge_kind = purge_kind(self._purge)
        machine.add(self._cards_kind, self._purge_kind)

    def _purge(self, owner_id: str, memo_id: str) -> None:
        self.cards.purge(owner_id, memo_id)

    def forget(self, owner_id: str) -> None:
        """Remove all that an owner has who is gone; running it again does the rest."""
        self._store.clear(owner_id)

    @cached_property
    def memos(self) -> "MemoService":
        """The memos of their owners."""
        from nightshift.memos.service import JobKinds, MemoService  # noqa: PLC0415 - see the class

        return MemoService(
            store=self._store,
            jobs=self._machine.jobs,
            kinds=JobKinds(cards=self._cards_kind, purge=self._purge_kind),
            purge=self._purge,
            clock=self.clock,
            new_id=self._machine.parts.new_id,
            settings=self._settings,
        )

    @cached_property
    def cards(self) -> CardService:
        """The cards of their owners."""
        return CardService(
            store=self._card_store, memos=self._store, clock=self.clock, settings=self._settings
        )

    @cached_property
    def reviews(self) -> "ReviewService":
        """The reviews of their owners."""
        from nightshift.memos.reviews import ReviewService  # noqa: PLC0415 - see the class

        return ReviewService(
            store=self._card_store, cards=self.cards, clock=self.clock, settings=self._settings
        )


@cache
def get_context() -> MemosContext:
    """Return the process's context over AWS, from its environment.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    table = load(MemosTable, os.environ).memos_table
    settings = load(MemoSettings, os.environ)
    outside = Outside(
        table=Table(clients.dynamodb(), table),
        generator=build_generator(settings),
        new_token=lambda: uuid.uuid4().hex,
    )
    return MemosContext(get_machine(), outside, settings)


def build_generator(settings: MemoSettings) -> Callable[[], CardGenerator]:
    """Return what makes the configured generator, once, when it is first asked for.

    Raises:
        SettingsError: the generator needs a model and none is named.
    """
    if settings.card_generator == "bedrock":
        if not settings.bedrock_model_id:
            raise SettingsError(
                "NIGHTSHIFT_CARD_GENERATOR=bedrock needs NIGHTSHIFT_BEDROCK_MODEL_ID."
            )
        return cache(lambda: _bedrock(settings))
    return cache(_rules)


def _rules() -> CardGenerator:
    from nightshift.memos.generators.rules import RulesGenerator  # noqa: PLC0415 - for jobs only

    return RulesGenerator()


def _bedrock(settings: MemoSettings) -> CardGenerator:
    from nightshift.adapters.cards_bedrock import (  # noqa: PLC0415 - for jobs only
        BedrockGenerator,
        BedrockModel,
    )

    model = BedrockModel(
        model_id=settings.bedrock_model_id,
        max_calls=settings.bedrock_max_calls,
        portion_chars=settings.bedrock_portion_chars,
        max_tokens=settings.bedrock_max_tokens,
    )
    return BedrockGenerator(model)
