"""What mails look like: snapshots, contrasts, escaping, and what every mail program needs."""

import html
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from nightshift.email.heads import HEADS
from nightshift.email.model import CATEGORY_OF, Template
from nightshift.email.palette import DARK, LIGHT, READ_ON, SEEN_ON, Palette
from nightshift.email.schemas import DATA
from tests.support.mails import EXAMPLES, READER, SNAPSHOTS, UNSUBSCRIBE, rendered, snapshots

ALL = list(Template)
VOID = {"meta", "br", "img", "hr", "link", "input"}


class Page(HTMLParser):
    """What stands in a page: tags in balance, links, styles, sources."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "href":
                self.links.append(value or "")
            if name in {"src", "background", "srcset", "action"}:
                self.sources.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Match the tag."""
        assert self.open.pop() == tag


def test_every_template_is_whole() -> None:
    """Data, head, example: none is missing, none too many."""
    assert set(ALL) == set(DATA) == set(HEADS) == set(EXAMPLES)


def test_mails_look_as_they_were_looked_at() -> None:
    """Nothing changes unseen; `python -m tests.support.mails` writes what is new."""
    expected = {path.name: path.read_text("utf-8") for path in SNAPSHOTS.iterdir()}
    assert expected == dict(snapshots())


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_in_the_light_and_in_the_dark(palette: Palette) -> None:
    """4.5 to 1 for what is read, 3 to 1 for what is seen."""
    colours = palette.as_dict()
    low = {
        pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2)
        for pairs, least in ((READ_ON, 4.5), (SEEN_ON, 3.0))
        for pair in pairs
        if contrast(colours[pair[0]], colours[pair[1]]) < least
    }
    assert {} == low


def test_black_on_white_is_the_highest_contrast() -> None:
    """The measure is the standard's own."""
    assert (21.0, 1.0) == (contrast("#000000", "#ffffff"), contrast("#123456", "#123456"))


@pytest.mark.parametrize("template", ALL)
def test_every_colour_has_its_dark_one(template: Template) -> None:
    """Whatever is coloured inline carries the class by which the dark scheme colours it."""
    body = rendered(template).html.partition("<body")[2]
    bare = [
        tag
        for tag in re.findall(r"<[^>/!][^>]*style=\"[^\"]*color[^\"]*\"[^>]*>", body)
        if "class=" not in tag and "mso-hide" not in tag and LIGHT.button_text not in tag
    ]
    assert [] == bare
    assert set(re.findall(r"#[0-9a-f]{6}", body)) <= set(LIGHT.as_dict().values())


@pytest.mark.parametrize("template", ALL)
def test_a_mail_needs_nothing_from_outside(template: Template) -> None:
    """No picture, no style sheet, no script, no font; one table of 600 pixels, in balance."""
    text = rendered(template).html
    page = Page(text)
    assert [] == page.open
    assert set() == page.tags & {"img", "link", "script", "iframe", "form", "object", "svg"}
    assert [] == page.sources
    assert not {name for name in page.attributes if name.startswith("on")}
    assert "max-width: 600px" in text
    assert "url(" not in text
    assert "@import" not in text
    assert len(text.encode()) < 102_000  # What Gmail shows without cutting it off.


@pytest.mark.parametrize("template", ALL)
def test_a_mail_says_how_it_wants_to_be_shown(template: Template) -> None:
    """Language, width, both colour schemes, a preheader, a title."""
    mail = rendered(template)
    assert '<html lang="en"' in mail.html
    assert '<meta name="color-scheme" content="light dark">' in mail.html
    assert "prefers-color-scheme: dark" in mail.html
    assert "width=device-width" in mail.html
    title = re.search(r"<title>(.*?)</title>", mail.html)
    assert title is not None
    assert mail.subject == html.unescape(title[1])
    body = mail.html.partition("<body")[2]
    assert body.index("display: none") < body.index("<h1")
    assert 1 == body.count("<h1")


@pytest.mark.parametrize("template", ALL)
def test_both_parts_lead_to_the_same_places(template: Template) -> None:
    """Every link of the HTML part stands in the text part."""
    mail = rendered(template)
    links = set(Page(mail.html).links)
    assert links
    assert not {link for link in links if link not in mail.text}
    assert (UNSUBSCRIBE in links) == (template in CATEGORY_OF)


@pytest.mark.parametrize("template", ALL)
def test_the_text_part_can_be_read(template: Template) -> None:
    """Lines of 72 characters save addresses, no markup, no gaps, no trailing blanks."""
    text = rendered(template).text
    lines = text.splitlines()
    assert not [x for x in lines if len(x) > 72 and "://" not in x]
    assert not re.search(r"<[a-z/]|&[a-z]+;|\{\{|\{%", text)
    assert not [pair for pair in pairwise(lines) if pair == ("", "")]
    assert not [x for x in lines if x != x.rstrip() and x != "-- "]
    assert f"Hello {READER.name}," == lines[0]


TAG = "<img src=x onerror=alert(1)>\"'&"


def test_what_users_write_stays_text() -> None:
    """A task's name is shown, not run; in the text part it stands as it is."""
    mail = rendered(Template.TASK_FAILED, task_name=TAG, reason="<b>x</b>")
    assert "<img" not in mail.html
    assert "<b>x" not in mail.html
    assert TAG in html.unescape(mail.html)
    assert TAG in mail.text
    assert f"Task failed: {TAG}" == mail.subject


def test_a_name_that_could_be_an_advertisement_is_not_repeated() -> None:
    """Who registers a stranger's address cannot write to the stranger through the name."""
    bad = ["Win at http://evil.example", "evil.example", "www.evil", "a" * 41, "x@y.example"]
    for name in bad:
        mail = rendered(Template.VERIFICATION, name=name)
        assert ["Hello,"] == mail.text.splitlines()[:1]
        assert name not in mail.html
    assert ["Hello Zoë Ångström,"] == rendered(
        Template.VERIFICATION, name="Zoë Ångström"
    ).text.splitlines()[:1]


def test_a_long_subject_is_cut() -> None:
    """A subject stays on one line of the inbox."""
    mail = rendered(Template.TASK_PAUSED, task_name="x" * 300)
    assert 150 == len(mail.subject)
    assert mail.subject.endswith("…")


def test_a_week_without_activities_is_told_kindly() -> None:
    """No table of noughts."""
    mail = rendered(Template.WEEKLY_SUMMARY, activities=0, distance_m=0, by_type=[])
    assert "Your week: a rest" == mail.subject
    assert "0" not in mail.text.partition("The next week")[0].partition("There was nothing")[0]
    assert "Distance" not in mail.text


def test_figures_of_one_are_singular() -> None:
    """One activity, not one activities."""
    mail = rendered(Template.WEEKLY_SUMMARY, activities=1, previous_activities=1)
    assert "Your week: 1 activity, 42.2 km" == mail.subject.replace("\u00a0", " ")
    assert "after 1 activity and" in mail.text.replace("\n", " ")
