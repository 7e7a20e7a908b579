"""The little grammar that the rules need: subjects, their verbs and what depends on neighbours."""

import re
from typing import Final

from nightshift.memos.generators.tokens import vocabulary, words
from nightshift.memos.generators.verbs import IRREGULAR, PERSONS, PRESENT

BE: Final = frozenset({"is", "are", "was", "were"})
AUXILIARY: Final = BE | vocabulary(
    "has have had can cannot could may might must shall should will would does do did"
)
_TITLES: Final = vocabulary("mr mrs ms dr prof sir king queen president emperor pope lord")
_CONNECTIVES = re.compile(
    r"(?:(?:However|Therefore|Moreover|Furthermore|In addition|Thus|Hence|Consequently|"
    r"Nevertheless|As a result|In fact|Indeed|Okay|OK|Now|Well|Right|Anyway|Basically|Actually|"
    r"Obviously|Similarly|Finally|Also|But|And|So|Yet|Of course|In general|Generally|Usually|"
    r"Außerdem|Zudem|Daher|Deshalb|Allerdings|Cependant|De plus|En effet|Toutefois),?\s+){1,3}",
    re.IGNORECASE,
)
_PRONOUNS: Final = vocabulary(
    "it they he she this these those that such its their his her here him them both neither "
    "another others then instead later afterwards meanwhile who which what where when one some "
    "i we you my our your us me "
    "er sie es dies diese dieser dieses diesem diesen jene jener solche dabei dort dadurch damit "
    "davon darauf daraus hier dann danach ihr ihre sein seine wir ich du man wer welche dessen "
    "deren "
    "il elle ils elles ce cet cette ces cela ceci celui celle ceux on nous vous je son sa ses leur "
    "leurs y en là ainsi puis ensuite "
    "él ella ello ellos ellas este esta esto estos estas ese esa eso su sus aquí allí así luego "
    "egli essa esso essi esse questo questa questi queste ciò suo sua qui lì così poi "
    "ele ela eles elas isso isto seu sua aqui ali assim "
    "hij zij deze dit dat hun hier daar "
    "han hon den det dess deras där här"
)
_IMPERSONAL: Final = frozenset({"man", "you", "on", "en", "when", "we", "son"})
"""Openers that are well understood alone, although they may also point back."""
_ANAPHORA: Final = re.compile(
    r"\b(?:this|these|those|former|latter|aforementioned|the following|as follows|see also|"
    r"the (?:previous|same) (?:year|day|month|week|century|decade)|as mentioned|mentioned above|"
    r"described above|for example|for instance|such (?:a|an)|from there|"
    r"dieses?[rmns]?|jene[rsmn]?|folgende[rsmn]?|letztere[rsmn]?|erstere[rsmn]?|zum Beispiel|siehe|"
    r"(?:en|con|de|por|para|sobre) (?:él|ellas?|ellos?)|"
    r"ceux-ci|celui-ci|celle-ci|cette?|ces|ci-dessus|ci-dessous|par exemple)\b",
    re.IGNORECASE,
)
_THERE = re.compile(
    r"\bthere\b(?! (?:is|are|was|were|has|have|had|will|may|can|must|exist))", re.IGNORECASE
)
_LATER = re.compile(
    r"(?:\w+ (?:days?|weeks?|months?|years?|hours?|centur\w+) (?:later|before|after|earlier)|"
    r"(?:The|At the) (?:same|next|other|first one|second one|process|latter|result|idea|reason)\b"
    r"(?! of| that| in| by| to))"
)
_OBJECT = re.compile(
    r"(?<!\bwhen)(?<!\bif)(?<!\bas)(?<!\bthat)(?<!\bbecause)(?<!\bsince)(?<!\bwhich)(?<!\bwhile)"
    r"(?<!\band)(?<!\buntil)(?<!\bbefore)(?<!\bafter)(?<!\bunless)(?<!,) (?:it|them|him)\b"
)
_UNDATED = re.compile(
    r"(?:In|On|By|Since|Until) (?:\d{1,2} )?(?:January|February|March|April|May|June|July|August|"
    r"September|October|November|December)\b(?! \d{1,2},? \d{4}|,? \d{4})"
)
_TALK = re.compile(
    r"\b[a-z]+,? I (?=[a-z])|\b(?:last|next) (?:time|lecture|week|chapter|section)\b|"
    r"\bin this (?:lecture|chapter|section|article|video)\b|"
    r"\byou (?:need to|should|must|have to|will|can) (?:remember|know|learn|see)\b",
    re.IGNORECASE,
)
"""What a writer says about the text and its readers."""
_UNFINISHED = re.compile(
    r"^(?!.*\b(?:because|since|so|when|if)\b).* (?:by|of|to|with|for|from|on) (?:it|them)\.?$|"
    r" (?:by|of|to|with|for|from|the|and|or)\.?$"
)
_INSERTED = re.compile(r"(?<=\w) \((?=[^()]*[ \d])[^()]{1,200}\)(?= )")
_ADVERBS: Final = vocabulary("therefore thus hence also now still usually often generally then")
"""Words that may stand between a subject and its verb."""
_APPOSED: Final = vocabulary(
    "a an the one which who led called known also or born named formerly originally sometimes often"
)
"""Words that what is inserted after a subject begins with."""
_FOCUS = re.compile(
    r"(?:In|On|At|By|During|After|Before|Since|Until|From|For|Within|Throughout|Under|With|Despite)"
    r"(?P<opening> [^,;.]{1,80}?),? (?P<pronoun>it|they|he|she|we|I) (?=[a-z])"
)
_CLAUSES: Final = vocabulary("because that which who when while if since as and or but until than")
_HE_OR_SHE = re.compile(r"\b(?:he|she|him|her|his|hers|He|She|His|Her)\b")
MAX_BEFORE_OBJECT = 5
MAX_SUBJECT = 12


def is_verb(word: str) -> bool:
    """Tell whether an English word is a finite verb that the rules know."""
    if word in AUXILIARY or word in IRREGULAR or word in PRESENT:
        return True
    stem = word.removesuffix("s")
    stems = {stem, stem.removesuffix("e"), stem.removesuffix("ie") + "y"}
    return word != stem and bool(stems & PRESENT)


def _is_finite(word: str) -> bool:
    return is_verb(word) or is_past(word)


def is_past(word: str) -> bool:
    """Tell whether an English word ends as a regular verb does in the past."""
    return len(word) > MIN_PAST and word.endswith("ed") and word.islower()


MIN_PAST = 4


def is_person(phrase: str) -> bool:
    """Tell whether a phrase seems to name one person."""
    found = words(phrase)
    lower = {word.casefold() for word in found}
    named = [word for word in found if word[0].isupper() and word not in {"The", "A", "An"}]
    return bool(lower & (PERSONS | _TITLES)) or (
        len(named) + len(lower & _PARTICLES) == len(found)
        and len(named) in {2, 3}
        and not lower & _BODIES
    )


def names_person(subject: str, verb: str, rest: str) -> bool:
    """Tell whether a sentence's subject is one person, by its name or by what is said of it."""
    if is_person(subject):
        return True
    told = _HEAD_END.split(rest, maxsplit=1)[0].split(" ")
    named = subject[:1].isupper() and len(words(subject)) <= MAX_NAME_WORDS
    return verb in {"is", "was"} and named and told[-1] in PERSONS and " and " not in subject


_HEAD_END = re.compile(r" (?:of|in|at|from|for|to|who|that|which|and|during|by|on)\b|[,;:(]")
MAX_NAME_WORDS = 3
_PARTICLES: Final = frozenset({"von", "van", "de", "da", "della", "di", "der"})
_BODIES: Final = vocabulary(
    "assembly congress court university company states union nations kingdom republic ocean sea "
    "war act party house council committee church park river mount lake"
)


def subject_of(sentence: str) -> tuple[str, str, str] | None:
    """Return subject, finite verb and rest of an English sentence that begins with its subject.

    An apposition after the subject is left out. None means that none was found for sure.
    """
    sentence = _INSERTED.sub("", sentence, count=1)
    head, _, tail = sentence.partition(", ")
    inner, _, after = tail.partition(", ")
    if inner.split(" ", 1)[0] in _APPOSED and after:
        sentence = f"{head} {after}" if len(words(head)) <= MAX_SUBJECT else sentence
    parts = sentence.split(" ")
    for at, word in enumerate(parts[: MAX_SUBJECT + 1]):
        if word in _ADVERBS:
            continue
        if at and (word in AUXILIARY or acts(parts, at)):
            subject = " ".join(part for part in parts[:at] if part not in _ADVERBS)
            return (subject, word, " ".join(parts[at + 1 :])) if is_subject(subject) else None
        if word.endswith((",", ";", ":", ")")) and not word.startswith("("):
            return None
    return None


def acts(parts: list[str], at: int) -> bool:
    """Tell whether the word at a place is the verb of the subject before it.

    It is not where it does not agree with the subject, or where the verb still follows.
    """
    word = parts[at]
    if not _is_finite(word) or _is_adjective(parts, at):
        return False
    following = parts[at + 1] if at + 1 < len(parts) else ""
    if word not in IRREGULAR and not is_past(word):
        last = parts[at - 1].strip(",")
        plural = last.endswith("s") and not last.endswith(("ss", "us", "is", "'s", "ics"))
        many = plural or last in _PLURALS or "and" in parts[:at] or "or" in parts[:at]
        base = not word.endswith("s") or word.endswith("ss")
        if base and not many:
            return False
        return following not in AUXILIARY and following not in IRREGULAR
    return True


_PLURALS: Final = vocabulary(
    "people children men women police mice feet teeth geese data media bacteria criteria phenomena "
    "cattle fish sheep mitochondria fungi nuclei larvae species they we you most many some few both"
)


def _is_adjective(parts: list[str], at: int) -> bool:
    """Tell whether a participle stands before its noun, or after one with `by`."""
    before = parts[at - 1].casefold()
    after = parts[at + 1] if at + 1 < len(parts) else ""
    return before in _BEFORE_NOUNS or after == "by"


_BEFORE_NOUNS: Final = vocabulary(
    "the a an of and or in on at to for with by from no its his her their this that most many some "
    "each every all any"
)
_PREPOSITIONS: Final = vocabulary(
    "in on at by for with from to into over under about after before between through during "
    "without within against among as if when while because since although though unless until "
    "below above beneath beyond near inside outside behind along around across off upon till "
    "according despite once where what how why that to not all let never always only even"
)


def is_subject(phrase: str) -> bool:
    """Tell whether a phrase may name what a sentence is about."""
    first = phrase.split(" ", 1)[0].casefold()
    last = phrase.rsplit(" ", 1)[-1].casefold()
    opens = first not in _PREPOSITIONS and first not in _PRONOUNS
    return bool(words(phrase)) and opens and last not in {"that", "which", "who", "and", "or"}


def lone_pronoun(sentence: str) -> str:
    """Return the pronoun that a sentence is about after an opening such as `In 1895`, or nothing.

    What it stands for is outside of the sentence, unless the opening names somebody.
    """
    match = _FOCUS.match(sentence)
    return match["pronoun"] if match and not set(words(match["opening"])) & _CLAUSES else ""


def unnamed_person(sentence: str) -> str:
    """Return the first `he` or `she` of a sentence that names nobody before it, or nothing."""
    match = _HE_OR_SHE.search(sentence)
    if match is None:
        return ""
    before = words(sentence[: match.start()])
    named = any(is_name(word) for word in before[1:]) or bool(set(before) & PERSONS)
    return "" if named else PRONOUN_OF.get(match[0].lower(), "")


def is_name(word: str) -> bool:
    """Tell whether a word inside a sentence seems to be a name."""
    return word[0].isupper() and not word.isupper() and word not in _CALENDAR


PRONOUN_OF: Final = {
    **dict.fromkeys(("he", "him", "his"), "he"),
    **dict.fromkeys(("she", "her", "hers"), "she"),
}
_CALENDAR: Final = vocabulary(
    "January February March April May June July August September October November December "
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
)


_LOWERED: Final = frozenset({"The", "A", "An", "Each", "Every", "Some", "All", "Most"})


def lowered(subject: str) -> str:
    """Return a phrase as it reads inside a sentence: its article in small letters."""
    first, space, rest = subject.partition(" ")
    return first.lower() + space + rest if first in _LOWERED else subject


def without_connective(sentence: str) -> str:
    """Return the sentence without openings such as `However,`."""
    match = _CONNECTIVES.match(sentence)
    rest = sentence[match.end() :] if match else sentence
    return rest[:1].upper() + rest[1:]


def points_elsewhere(sentence: str, *, steps: bool = False) -> bool:
    """Tell whether a sentence needs its neighbours to be understood.

    In `steps` of a procedure an object such as `it` is what the procedure is about.
    """
    found = words(sentence[:40])
    first = found[0].casefold().split("'")[0].split("\u2019")[0] if found else ""
    if first in _PRONOUNS - _IMPERSONAL:
        return True
    early = _OBJECT.search(sentence[:60])
    if not steps and early and len(words(sentence[: early.start()])) < MAX_BEFORE_OBJECT:
        return True
    return bool(
        _ANAPHORA.search(sentence)
        or _THERE.search(sentence)
        or _LATER.match(sentence)
        or _UNDATED.match(sentence)
        or _UNFINISHED.search(sentence)
        or _TALK.search(sentence)
    )
