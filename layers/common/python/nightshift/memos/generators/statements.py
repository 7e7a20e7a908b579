"""Sentences that stand alone: pronouns resolved where that is sure, the rest left out."""

import re
from collections.abc import Iterator

from nightshift.memos.generators import grammar
from nightshift.memos.generators.languages import ENGLISH, GERMAN, Language
from nightshift.memos.generators.lines import is_prose
from nightshift.memos.generators.model import Outline, Pair, Paragraph, Path, Statement
from nightshift.memos.generators.sentences import split
from nightshift.memos.generators.tokens import folded, holds, is_unspaced, vocabulary, words
from nightshift.memos.generators.topics import NOBODY, Person, others, protagonist

MIN_WORDS = 4
BLOCK = 1_000_000
MAX_WORDS = 55
MIN_CHARS = 12
MAX_CHARS = 330
MIN_UNSPACED = 6
_OPENING = re.compile(r"(It|They|He|She|Its|Their|His|Her) ")
_EXPLETIVE = re.compile(
    r"It (?:is|was|has been|may be|can be|seems|takes) ?(?:\w+ ){0,2}"
    r"(?:that|to|for|possible|likely)\b"
)
_GERMAN_SUBJECT = re.compile(
    r"(Der|Die|Das) ([A-ZÄÖÜ][\w\-]+(?: [A-ZÄÖÜ][\w\-]+)?) [a-zäöü]+(?:t|en|te|ten|ist|war)\b"
)
_GERMAN_PRONOUN = {"Er": "Der", "Sie": "Die", "Es": "Das"}
_EXAMPLES = vocabulary("example examples beispiel beispiele exemple exemples exercise exercises")
"""Headings over what nobody learns by heart."""
_COORDINATE = re.compile(r" and |[:,;\u2013-] ")
_FORMULA = re.compile(r"\w\s?=\s?\w|[{}\\]|\w\(\)|[<>]=?\s|^[`$]|[\u2190-\u21ff\u2500-\u257f]")


_NOUN_ENDING = re.compile(
    r"(?:[st]ion|ity|ism|[sx]is|ment|ness|[^k]ing|lar|ous|ive|[st]ure|logy|[ae]n[ct][ey]?|ics|cy|phy)s?$"
)


class Resolver:
    """Follows the subject through the sentences of one paragraph.

    `person` is whom the whole text is about, `small` the words that it writes with a small letter.
    """

    def __init__(
        self, language: Language, person: Person = NOBODY, small: frozenset[str] = frozenset()
    ) -> None:
        self._language = language
        self._small = small
        self._person = person
        self._others = False
        self._topics: tuple[str, ...] = ()
        self._subject = ""
        self._copular = False

    def start(self, path: Path) -> None:
        """Forget the subject: a new paragraph begins, under these headings."""
        self._subject, self._copular, self._topics, self._is_person = "", False, path, False
        self._others = False

    def resolve(self, sentence: str) -> str:
        """Return the sentence with its opening pronoun replaced, where the antecedent is sure.

        One that is about somebody or something that nobody can tell comes back empty.
        """
        if self._language is ENGLISH:
            resolved = self._english(sentence)
            unclear = self._is_unclear(resolved)
            self._others = others(sentence, self._person)
            if unclear:
                self._subject = ""
                return ""
            found = grammar.subject_of(resolved)
            if not _OPENING.match(resolved):
                self._subject = found[0] if found else ""
                self._copular = bool(found) and found is not None and found[1] in grammar.BE
                self._is_person = found is not None and grammar.names_person(*found)
            return resolved
        return self._german(sentence) if self._language is GERMAN else sentence

    def _english(self, sentence: str) -> str:
        match = _OPENING.match(sentence)
        if not match or not self._fits(match[1]) or _EXPLETIVE.match(sentence):
            return sentence
        subject, rest = self._antecedent(match[1]), sentence[match.end() :]
        if match[1] not in {"Its", "Their", "His", "Her"}:
            return f"{subject} {rest}"
        owned = grammar.subject_of(f"The {rest}") if match[1] in {"Its", "Their"} else None
        if owned:
            first = subject.split(" ", 1)[0].lower()
            inside = subject if first not in self._small else first + subject[len(first) :]
            return f"{owned[0]} of {grammar.lowered(inside)} {rest[len(owned[0]) - 3 :]}"
        ending = "'" if subject.endswith("s") else "'s"
        return f"{subject}{ending} {rest}"

    def _antecedent(self, pronoun: str) -> str:
        """Return what a pronoun at the beginning of a sentence stands for."""
        meant = self._person.pronoun == grammar.PRONOUN_OF.get(pronoun.lower(), "-")
        known = self._is_person and pronoun in {"He", "She", "His", "Her"}
        return self._person.name if meant and not known else self._subject

    def _is_unclear(self, sentence: str) -> bool:
        """Tell whether a sentence is about somebody or something outside of it.

        The person whom the text is about is named above each card.
        """
        pronoun = grammar.unnamed_person(sentence)
        if pronoun:
            return pronoun != self._person.pronoun or self._others
        return grammar.lone_pronoun(sentence) in {"it", "they", "we", "I"}

    def _fits(self, pronoun: str) -> bool:
        """Tell whether the subject before can be what the pronoun means."""
        subject = self._subject
        person = self._is_person
        if pronoun in {"He", "She", "His", "Her"}:
            meant = self._person.pronoun == grammar.PRONOUN_OF[pronoun.lower()]
            return person or (meant and not self._others)
        if not subject:
            return False
        plural = subject.endswith("s") and not subject.endswith(("ss", "us", "is"))
        if pronoun in {"They", "Their"}:
            return plural or " and " in subject
        sure = self._copular or self._is_topic(subject)
        return not person and not plural and " and " not in subject and sure

    def _is_topic(self, subject: str) -> bool:
        bare = folded(subject).removeprefix("the ").removeprefix("a ")
        if subject.split(" ", 1)[0] not in {"The", "A", "An"} and bare not in self._small:
            return any(holds(topic, bare) for topic in self._topics)
        named = (part for topic in self._topics for part in _COORDINATE.split(topic))
        return any(f" {folded(name)}".endswith(f" {bare}") for name in named)

    def _german(self, sentence: str) -> str:
        first, _, rest = sentence.partition(" ")
        article = _GERMAN_PRONOUN.get(first)
        if article and self._subject.startswith(article + " "):
            return f"{self._subject} {rest}"
        match = _GERMAN_SUBJECT.match(sentence)
        self._subject = f"{match[1]} {match[2]}" if match else ""
        return sentence


def statements(outline: Outline, language: Language) -> Iterator[Statement]:
    """Yield the sentences of paragraphs and of pairs that say something by themselves.

    The number of each is its block's place times `BLOCK`, plus its place in the block.
    """
    small = frozenset(_small_words(outline))
    resolver = Resolver(language, protagonist(outline), small)
    for place, block in enumerate(outline.blocks):
        resolver.start(block.path)
        if isinstance(block, Pair):
            path, text, whole = (*block.path, block.term), block.text, True
        elif isinstance(block, Paragraph):
            path, text, whole = block.path, block.text, not block.open_ended
        else:
            continue
        if path and path[-1].casefold() in _EXAMPLES:
            continue
        found = split(text)
        for index, sentence in enumerate(found if whole else found[:-1]):
            said = standalone(resolver.resolve(sentence))
            if said:
                common = language is ENGLISH and _is_common(said, small)
                number = place * BLOCK + index
                yield Statement(path=path, text=said, number=number, common=common)


def _is_common(text: str, small: frozenset[str]) -> bool:
    """Tell whether a sentence's first word has a capital only for its place."""
    first, _, rest = text.partition(" ")
    bare = first.removesuffix("'s").lower()
    return bare in small or (bool(_NOUN_ENDING.search(bare)) and rest[:1].islower())


def _small_words(outline: Outline) -> Iterator[str]:
    """Yield the words that the text writes with a small letter."""
    for block in outline.blocks:
        if isinstance(block, Pair | Paragraph):
            yield from (word for word in words(block.text) if word.islower())


def leading(text: str, path: Path, language: Language) -> str:
    """Return the last sentence of a paragraph that leads to a list, resolved, without colon."""
    resolver = Resolver(language)
    resolver.start(path)
    found = ""
    for sentence in split(text):
        found = resolver.resolve(sentence)
    return found.rstrip(" :\uff1a.")


def standalone(sentence: str) -> str:
    """Return a sentence fit to be asked about, without its full stop, or an empty string."""
    text = grammar.without_connective(sentence).strip()
    if not text or text.endswith(("?", ":", "...", "…", "!", "\uff1a")) or not _bounded(text):
        return ""
    coded = any(c.isdigit() for c in text.split(" ", 1)[0])
    if not (text[0].isupper() or coded or not text[0].isascii()):
        return ""
    if _FORMULA.search(text) or not is_prose(text) or grammar.points_elsewhere(text):
        return ""
    return text.rstrip(" .。") if _balanced(text) else ""


def _bounded(text: str) -> bool:
    if len(text) > MAX_CHARS:
        return False
    if is_unspaced(text):
        return sum(c.isalpha() for c in text) >= MIN_UNSPACED
    return len(text) >= MIN_CHARS and MIN_WORDS <= len(words(text)) <= MAX_WORDS


def _balanced(text: str) -> bool:
    return (
        text.count("(") == text.count(")")
        and text.count('"') % 2 == 0
        and (text.count("“") == text.count("”") or "„" in text)
    )


def steps(path: Path, items: tuple[str, ...], number: int) -> Iterator[Statement]:
    """Yield the sentences of an ordered list's items as statements that know their step."""
    for step, item in enumerate(items, start=1):
        for sentence in split(item):
            text = sentence.rstrip(" .;,")
            if _bounded(text) and not grammar.points_elsewhere(text, steps=True):
                named = (*path[:-1], f"{path[-1]} ({step})") if path[1:] else path
                yield Statement(path=named, text=text, number=number + step, step=step)
