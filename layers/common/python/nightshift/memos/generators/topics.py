"""What a whole text is about: its topic where it has no title, and the person that it tells of."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from nightshift.memos.generators import grammar
from nightshift.memos.generators.model import Answered, Outline, Pair, Paragraph
from nightshift.memos.generators.sentences import split
from nightshift.memos.generators.tokens import capitalised, words

_ARTICLE = re.compile(r"(?:The|A|An) ")
_PERSON = re.compile(
    r"[^\W\d_a-z][\w\u2019'\-]+(?: (?:[a-z]{2,3} )?[^\W\d_a-z][\w\u2019'\-]+){1,2}"
)
MAX_TOPIC_WORDS = 5
CLEARLY = 3
"""How many times more often one of `he` and `she` stands in a text about one person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody whom a text is about, and whether it says `he` or `she` of them."""

    name: str
    pronoun: str

    def is_meant_by(self, name: str) -> bool:
        """Tell whether a name seems to be this person's, or a part of it."""
        return bool(set(words(name)) & set(words(self.name)))


NOBODY: Final = Person(name="", pronoun="")


def titled(outline: Outline) -> Outline:
    """Return an outline without title under what its first sentence is about, if it tells."""
    topic = "" if outline.title else _topic(outline)
    if not topic:
        return outline
    blocks = tuple(replace(block, path=(topic, *block.path)) for block in outline.blocks)
    return replace(outline, title=topic, blocks=blocks)


def _topic(outline: Outline) -> str:
    found = grammar.subject_of(_first_sentence(outline))
    if found is None or found[1] not in grammar.BE:
        return ""
    bare = _ARTICLE.sub("", found[0], count=1)
    return capitalised(bare) if len(words(bare)) <= MAX_TOPIC_WORDS else ""


def _first_sentence(outline: Outline) -> str:
    block = outline.blocks[0] if outline.blocks else None
    return split(block.text)[0] if isinstance(block, Paragraph) else ""


def protagonist(outline: Outline) -> Person:
    """Return the one person that a text is about, or `NOBODY`."""
    found = grammar.subject_of(_first_sentence(outline))
    names = [found[0] if found else "", outline.title]
    name = next((name for name in names if _PERSON.fullmatch(name) and grammar.is_person(name)), "")
    texts = [block.text for block in outline.blocks if isinstance(block, Paragraph | Pair)]
    texts += [block.answer for block in outline.blocks if isinstance(block, Answered)]
    said = Counter(grammar.PRONOUN_OF.get(word.lower(), "") for t in texts for word in words(t))
    for pronoun, other in (("he", "she"), ("she", "he")):
        if name and said[pronoun] > CLEARLY * said[other]:
            return Person(name=name, pronoun=pronoun)
    return NOBODY


def others(sentence: str, person: Person) -> bool:
    """Tell whether a sentence names a person who is not this one."""
    found = (match[0] for match in _PERSON.finditer(sentence))
    return any(grammar.is_person(name) and not person.is_meant_by(name) for name in found)
