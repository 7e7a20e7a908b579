"""What the rules know of each language: words to skip and the phrases of the fronts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nightshift.memos.generators.tokens import listed, vocabulary, words

SAMPLE = 4_000
MIN_SHARE = 0.08


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """Words and phrases of one language.

    The phrases are format strings: `lead` takes {lead} and {count}, the others what their name
    says. `hints` names what a gap hides, by kind of gap.
    """

    code: str
    stop: frozenset[str]
    months: tuple[str, ...]
    days: frozenset[str]
    year_before: frozenset[str]
    hints: Mapping[str, str]
    meaning: str
    doing: str
    lead: str
    ordered: str
    unordered: str
    next_step: str
    why: str
    stands_for: str
    cell: str


_EN_STOP = (
    "a an the and or but nor so yet if then than that this these those there here of in on at by "
    "for with from to into onto over under about after before between through during without "
    "within against among per as is are was were be been being am do does did done has have had "
    "having can could may might must shall should will would not no it its itself he him his she "
    "her hers they them their we us our you your i me my who whom whose which what when where why "
    "how all any both each every few many more most much other others some such only own same too "
    "very also just even still already often usually always never again once ever however "
    "therefore thus hence because since while until although though whether either neither one "
    "two first second new old up down out off well made make makes used use uses using called"
)
_DE_STOP = (
    "der die das den dem des ein eine einen einem einer eines und oder aber denn sondern wenn als "
    "dass daß dies diese dieser dieses diesem diesen jene jener da dort hier in im an am auf bei "
    "beim von vom zu zum zur mit nach aus um über unter vor hinter zwischen durch für gegen ohne "
    "bis seit ist sind war waren sein wird werden wurde wurden worden hat haben hatte hatten kann "
    "können muss müssen soll sollen darf dürfen nicht kein keine es er sie ihm ihr ihre ihren "
    "ihrem ihres seine seiner seinen wir uns ich man sich wer was wie wo wann warum alle jeder "
    "jede jedes viele mehr meist sehr auch nur noch schon so etwa rund heute dann also weil sowie "
    "wie deren dessen"
)
_FR_STOP = (
    "le la les l un une des du de d et ou mais donc or ni car si que qui quoi dont où ce cet cette "
    "ces il elle ils elles on nous vous je tu lui leur leurs son sa ses mon ma mes notre votre en "
    "dans sur sous par pour avec sans vers chez entre depuis jusque jusqu à au aux est sont était "
    "étaient être été a ont avait avaient avoir ne pas plus moins très aussi tout tous toute "
    "toutes même comme lorsque quand parce puis ainsi y se s qu c n environ fait"
)

ENGLISH: Final = Language(
    code="en",
    stop=vocabulary(_EN_STOP),
    months=listed(
        "January February March April May June July August September October November December"
        " Jan Feb Mar Apr Jun Jul Aug Sept Sep Oct Nov Dec"
    ),
    days=vocabulary("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    year_before=vocabulary(
        "in of since by until till from to after before during around about circa and between year "
        "early late mid through c ca ad on"
    ),
    hints={
        "year": "year",
        "date": "date",
        "number": "number",
        "range": "range",
        "century": "century",
        "name": "name",
    },
    meaning="What does “{term}” mean?",
    doing="What does “{term}” do?",
    lead="{lead}: which? ({count})",
    ordered="{lead}: which {count} steps, in order?",
    unordered="{lead}: name all {count}.",
    next_step="Which step follows this one? “{step}”",
    why="{clause}: why?",
    stands_for="What does {short} stand for?",
    cell="{key}: {column}?",
)
GERMAN: Final = Language(
    code="de",
    stop=vocabulary(_DE_STOP),
    months=listed(
        "Januar Jänner Februar März April Mai Juni Juli August September Oktober November Dezember"
    ),
    days=vocabulary("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
    year_before=vocabulary(
        "der in im jahr jahre jahren seit bis von ab um vor nach anno und zwischen ende anfang "
        "mitte sommer winter herbst frühjahr"
    ),
    hints={
        "year": "Jahr",
        "date": "Datum",
        "number": "Zahl",
        "range": "Spanne",
        "century": "Jahrhundert",
        "name": "Name",
    },
    meaning="Was bedeutet „{term}“?",
    doing="{term}: welche Aufgabe?",
    lead="{lead}: welche? ({count})",
    ordered="{lead}: welche {count} Schritte, der Reihe nach?",
    unordered="{lead}: nenne alle {count}.",
    next_step="Welcher Schritt folgt auf diesen? „{step}“",
    why="{clause}: warum?",
    stands_for="Wofür steht {short}?",
    cell="{key}: {column}?",
)
FRENCH: Final = Language(
    code="fr",
    stop=vocabulary(_FR_STOP),
    months=listed(
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
    ),
    days=vocabulary("lundi mardi mercredi jeudi vendredi samedi dimanche"),
    year_before=vocabulary("en de depuis vers dès à an année avant après et entre jusqu"),
    hints={
        "year": "année",
        "date": "date",
        "number": "nombre",
        "range": "plage",
        "century": "siècle",
        "name": "nom",
    },
    meaning="Que signifie « {term} » ?",
    doing="{term} : quel rôle ?",
    lead="{lead} : lesquels ? ({count})",
    ordered="{lead} : quelles sont les {count} étapes, dans l\u2019ordre ?",
    unordered="{lead} : citer les {count}.",
    next_step="Quelle étape suit celle-ci ? « {step} »",
    why="{clause} : pourquoi ?",
    stands_for="Que signifie le sigle {short} ?",
    cell="{key} : {column} ?",
)
OTHER: Final = Language(
    code="",
    stop=frozenset(),
    months=(),
    days=frozenset(),
    year_before=frozenset(),
    hints={},
    meaning="{term} = ?",
    doing="{term} = ?",
    lead="{lead} \u2026 ({count})",
    ordered="{lead}: 1\u2013{count}?",
    unordered="{lead}: ? ({count})",
    next_step="{step} → ?",
    why="",
    stands_for="{short} = ?",
    cell="{key}: {column}?",
)
KNOWN: Final = (ENGLISH, GERMAN, FRENCH)
_UNKNOWN: Final = (
    vocabulary(
        "el la los las un una de del y o que en se por con para es son fue era no más como su sus "
        "lo al entre desde muy también"
    ),
    vocabulary(
        "il lo la i gli le un una di del della dei che e è in con per da dal non sono era più come "
        "si su tra nel nella anche"
    ),
    vocabulary(
        "o a os as um uma de do da dos das e que em no na nos nas por com para é são foi não mais "
        "como se sua seu ao também"
    ),
    vocabulary(
        "de het een en van in op is zijn was dat die te met voor niet aan er om ook als bij door "
        "naar uit nog worden wordt"
    ),
    vocabulary("och att det som en ett är av för på med den till i de har inte om var från eller"),
)
"""Common words of languages that the rules would else take for one that they know."""


def detect(text: str, title: str = "") -> Language:
    """Return the language whose commonest words the text has most of, or `OTHER`.

    The title is asked where the text does not tell, as a table may not.
    """
    found = _detected(text)
    return _detected(title) if found is OTHER and text.isascii() else found


def _detected(text: str) -> Language:
    counts = Counter(words(text[:SAMPLE].lower()))
    total = counts.total()
    shares = [(sum(counts[word] for word in language.stop), language) for language in KNOWN]
    hits, best = max(shares, key=lambda share: share[0])
    rivals = max(sum(counts[word] for word in known) for known in _UNKNOWN)
    return best if total and hits >= max(rivals, MIN_SHARE * total) else OTHER
