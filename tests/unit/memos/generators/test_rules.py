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
    (
        "Augustus (27 BC \u2013 AD 14) was the first Roman emperor.",
        ("Who was Augustus?", "The first Roman emperor", CardKind.DEFINITION),
    ),
    (
        "The phases of mitosis are prophase, metaphase, anaphase and telophase.",
        (
            "What are the phases of mitosis? (4)",
            "Prophase, metaphase, anaphase and telophase",
            CardKind.LIST,
        ),
    ),
    (
        "The bread rests in the basket for two to three hours.",
        ("The bread rests in the basket for [number] hours.", "two to three", CardKind.NUMBER),
    ),
    (
        "Growth has recovered slowly since the 2009 recession.",
        ("Growth has recovered slowly since the [year] recession.", "2009", CardKind.DATE),
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
    (
        "Capital: Valletta\nArea: 316 sq km\nClimate: mild, rainy winters",
        ("Area?", "316 sq km", CardKind.DEFINITION),
    ),
    (
        "la cuchara - spoon\nel vaso - glass\nhervir - to boil",
        ("What does “la cuchara” mean?", "Spoon", CardKind.DEFINITION),
    ),
    ("Weight ........ 310 g\nPower ......... 4.5 W", ("Power?", "4.5 W", CardKind.DEFINITION)),
    (
        "Hyperinflation: > 50 % per month\nOutput gap -> actual minus potential output",
        ("What does “Output gap” mean?", "Actual minus potential output", CardKind.DEFINITION),
    ),
    (
        "2. Duties\n2.1 The rent is payable within 14 days of the invoice.",
        ("The rent is payable within [number] days of the invoice.", "14", CardKind.NUMBER),
    ),
    (
        "The tenant shall:\n(a) keep the flat clean;\n(b) pay in advance.",
        ("The tenant shall what? (2)", "- keep the flat clean\n- pay in advance", CardKind.LIST),
    ),
    (
        "Policy tools\n1) market operations\n2) discount rate\n3) reserves",
        (
            "Policy tools: name all 3.",
            "1. market operations\n2. discount rate\n3. reserves",
            CardKind.LIST,
        ),
    ),
    (
        "| Command | Effect |\n|---|---|\n| `ls <dir>` | lists files |",
        ("`ls <dir>`: effect?", "Lists files", CardKind.QUESTION),
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


ADA = (
    "Ada Berg (born 3 May 1821) was a chemist of Odda. She was never taught at a school. "
    "In 1850 she moved to the town of Bergen."
)


def test_a_life_is_told_under_the_name_of_who_lived_it() -> None:
    """A text without title is about whom its first sentence is about; `she` is read as her."""
    cards = RulesGenerator().generate("", f"{ADA}\n\nShe founded 3 schools in Odda.").cards
    made = [(card.front, card.back) for card in cards]
    assert ("Who was Ada Berg?", "A chemist of Odda") in made
    assert ("Ada Berg founded [number] schools in Odda.", "3") in made
    assert ("Ada Berg\nIn [year] she moved to the town of Bergen.", "1850") in made


def test_nobody_is_taken_for_somebody_else() -> None:
    """After another person was named, `she` may be that one, and gives no card."""
    text = f"{ADA} There Ellen Dahl met Ada Berg. In 1851 she built a pier of 90 m."
    fronts = [card.front for card in RulesGenerator().generate("", text).cards]
    assert not [front for front in fronts if "pier" in front]


def test_lines_that_the_writer_ended_are_not_joined() -> None:
    """Notes line by line are notes; a paragraph that a program has wrapped is one."""
    notes = _made("By Ann Lee\nTuesday 14 May\nECB target: 2 %\nFed mandate: stable prices")
    assert [("ECB target?", "2 %"), ("Fed mandate?", "Stable prices")] == [
        (front, back) for front, back, _ in notes
    ]
    wrapped = _made("The harbour of the town handles goods of about 4.5 million\ntonnes a year.")
    front = "The harbour of the town handles goods of about [number] tonnes a year."
    assert (front, "4.5 million", CardKind.NUMBER) in wrapped


def test_a_signature_is_no_part_of_a_letter() -> None:
    """Nor are the numbers in it."""
    made = _made(
        "The site goes live on 3 June 2026 in Odda.\n\n-- \nAnn Lee | Lead | +47 30 1234567"
    )
    assert ["3 June 2026"] == [back for _, back, _ in made]


def test_short_titles_are_shown() -> None:
    """`Ice` is a title, too."""
    (card,) = RulesGenerator().generate("Ice", "The sheet is 310 m thick in the north.").cards
    assert "Ice" == card.front.split("\n")[0]


def test_what_begins_with_code_keeps_its_case() -> None:
    """`primes[0]` is no `Primes[0]`."""
    made = _made("Indexing starts at 0, so `primes[0]` is the first number of the list.")
    assert ["primes[0] is the first number of the list: why?"] == [
        front for front, _, kind in made if kind is CardKind.CAUSE
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Okay, so last time we talked about the First World War and its causes.",
        "You need to remember the Battle of the Marne in September 1914.",
        "In the course of their work, they found 30 new species in Peru.",
        "The office paid for the Bergen line and Ann Lee was thanked for it.",
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
