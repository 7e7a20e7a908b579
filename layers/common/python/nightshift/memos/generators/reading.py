"""Reads a text into its blocks: headings, paragraphs, lists, pairs, tables, questions."""

from itertools import groupby

from nightshift.memos.generators import lines
from nightshift.memos.generators.labels import ADMIN, ASIDE, GENERIC, SUBJECT
from nightshift.memos.generators.markup import bold_terms, plain, visible
from nightshift.memos.generators.model import (
    Answered,
    Block,
    Grid,
    Listing,
    Outline,
    Pair,
    Paragraph,
    Path,
)
from nightshift.memos.generators.pairs import says_something
from nightshift.memos.generators.sentences import split
from nightshift.memos.generators.tokens import holds, words

PLAIN_LEVEL = 3
BOLD_LEVEL = 7
MAX_LEVEL = 8
SHOUTED = 6
MAX_TITLE = 200
MAX_ANSWER = 300
MIN_TABBED_ROWS = 2
MIN_LISTED = 3
_NO_LABEL = ("", True)
MAX_GAP = 3
"""Lines in which the next one that is not empty is looked for."""


def read(title: str, text: str) -> Outline:
    """Read a whole text; `title` may be empty and is then taken from the text's own head."""
    text = visible(text)
    reader = _Reader(plain(visible(title).replace("\n", " "))[:MAX_TITLE], text.split("\n"))
    reader.run()
    return Outline(title=reader.title, blocks=tuple(reader.blocks), bold=bold_terms(text))


class _Reader:
    """Walks down the lines once; each method takes what begins at the present line."""

    def __init__(self, title: str, source: list[str]) -> None:
        self.title = title
        self.blocks: list[Block] = []
        self._lines = source
        self._at = 0
        self._headings: list[tuple[int, str, str]] = []
        self._label = _NO_LABEL
        self._fresh = True

    def run(self) -> None:
        """Read to the end."""
        takers = (
            self._code,
            self._rule,
            self._heading,
            self._table,
            self._tabbed,
            self._question,
            self._items,
            self._lone_title,
            self._paragraph,
        )
        while self._at < len(self._lines):
            if lines.SIGNATURE.fullmatch(self._line()):
                return
            if not self._lines[self._at].strip():
                self._at += 1
                continue
            any(take() for take in takers)

    @property
    def _path(self) -> Path:
        names = [self.title, *(name for _, name, _ in self._headings)]
        kept: list[str] = []
        for name in names:
            generic = name.casefold() in GENERIC
            if name and not generic and not any(holds(other, name) for other in kept):
                kept.append(name)
        return tuple(kept)

    def _line(self, offset: int = 0) -> str:
        at = self._at + offset
        return self._lines[at] if 0 <= at < len(self._lines) else ""

    def _next_line(self) -> str:
        """Return the first line below that is not empty."""
        below = self._lines[self._at + 1 : self._at + 1 + MAX_GAP]
        return next((line for line in below if line.strip()), "")

    def _add(self, block: Block) -> None:
        self.blocks.append(block)
        self._fresh, self._label = False, _NO_LABEL

    def _code(self) -> bool:
        """Skip a fenced block, or an indented one after an empty line."""
        fence = lines.FENCE.match(self._line())
        if fence:
            self._at += 1
            while self._at < len(self._lines) and not self._line().strip().startswith(fence[1]):
                self._at += 1
            self._at += 1
            return True
        if not self._indented() or lines.ITEM.match(self._line()):
            return False
        while self._indented():
            self._at += 1
        return True

    def _indented(self) -> bool:
        return self._line().startswith(("    ", "\t")) and bool(self._line().strip())

    def _rule(self) -> bool:
        if not lines.RULE.fullmatch(self._line()):
            return False
        self._at += 1
        return True

    def _heading(self) -> bool:
        match = lines.HEADING.fullmatch(self._line())
        if match:
            self._at += 1
            self._enter(len(match[1]), plain(lines.CLAUSE.sub("", match[2].rstrip("# "))))
            return True
        bold = lines.BOLD.fullmatch(self._line())
        if bold and lines.is_title(bold["text"]) and self._line(1).strip():
            self._at += 1
            self._enter(BOLD_LEVEL, plain(bold["text"]))
            return True
        numbered = lines.numbered_title(self._line(), self._next_line())
        if numbered and not self._line(-1).strip():
            self._at += 1
            self._enter(PLAIN_LEVEL, plain(numbered))
            return True
        under = lines.UNDERLINE.fullmatch(self._line(1))
        if under and lines.is_title(self._line()):
            self._enter(1 if under[1][0] == "=" else 2, plain(self._line()))
            self._at += 2
            return True
        return False

    def _lone_title(self) -> bool:
        """Take a short line between empty ones as a heading."""
        text = plain(self._line())
        if self._line(-1).strip() or self._line(1).strip() or not lines.is_title(text):
            return False
        alike = lines.separator(text) == lines.separator(plain(self._next_line()))
        opens = not (self.title or self.blocks or alike)
        self._at += 1
        if lines.pair_of(text) and not opens:
            self._pair(text)
        else:
            self._enter(self._level_of(text), text)
        return True

    def _level_of(self, text: str) -> int:
        """Return the level of a heading without marks: like its series, under what is empty."""
        series = lines.series(text)
        for level, _, other in self._headings:
            if series and other == series:
                return level
        if self._fresh and self._headings:
            return min(self._headings[-1][0] + 1, MAX_LEVEL)
        return self._headings[-1][0] if self._headings and not series else PLAIN_LEVEL

    def _enter(self, level: int, text: str) -> None:
        if text.isupper() and len(text) > SHOUTED:
            text = lines.quiet(text)
        if not self.title and not self.blocks and text.casefold() not in GENERIC:
            self.title = text
            return
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._headings.append((level, text, lines.series(text)))
        self._fresh = True

    def _table(self) -> bool:
        if "|" not in self._line() or not lines.is_table_rule(self._line(1)):
            return False
        header = _cells(self._line(), "|")
        self._at += 2
        rows = []
        while "|" in self._line():
            rows.append(_cells(self._line(), "|"))
            self._at += 1
        self._grid(header, rows)
        return True

    def _tabbed(self) -> bool:
        """Take lines with the same number of tabs as a table."""
        count = self._line().strip("\t ").count("\t")
        rows: list[tuple[str, ...]] = []
        while count and self._line(len(rows)).strip("\t ").count("\t") == count:
            rows.append(_cells(self._line(len(rows)), "\t"))
        if len(rows) <= MIN_TABBED_ROWS:
            return False
        self._at += len(rows)
        self._grid(rows[0], rows[1:])
        return True

    def _grid(self, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        whole = tuple(row for row in rows if len(row) == len(header))
        if len(header) > 1 and whole:
            self._add(Grid(path=self._path, header=header, rows=whole))

    def _question(self) -> bool:
        asked = lines.ASKED.match(self._line())
        after = 1 if self._line(1).strip() else 2
        answer = lines.ANSWER.match(self._line(after)) if asked else None
        if asked is None or answer is None:
            return False
        self._at += after + 1
        rest = [answer[1]]
        while self._line().strip() and not lines.ASKED.match(self._line()):
            rest.append(self._line())
            self._at += 1
        self._add(Answered(path=self._path, question=plain(asked[1]), answer=plain(" ".join(rest))))
        return True

    def _items(self) -> bool:
        """Take a list; deeper items make a list of their own that the item above leads to."""
        if not lines.ITEM.match(self._line()):
            return False
        entries: list[tuple[int, bool, list[str]]] = []
        kinds: dict[int, str] = {}
        while True:
            match = lines.ITEM.match(self._line())
            if match:
                kind = kinds.setdefault(len(match["indent"]), lines.kind_of(match))
                if kind != lines.kind_of(match) and not self._line(-1).strip():
                    break
                indent = len(match["indent"].expandtabs(4))
                entries.append((indent, match["number"] is not None, [match["text"]]))
            elif self._line().startswith((" ", "\t")) and self._line().strip():
                entries[-1][2].append(self._line())
            elif self._line().strip() or not lines.ITEM.match(self._line(1)):
                break
            self._at += 1
        self._listings([(d, o, plain(" ".join(parts))) for d, o, parts in entries])
        return True

    def _listings(self, entries: list[tuple[int, bool, str]]) -> None:
        """Add one listing for each run of items of the same depth under the same item."""
        lead = self._lead()
        label, names_items = self._label
        path = (*self._path, label) if label else self._path
        parents: dict[int, str] = {}
        groups: dict[tuple[int, str], list[str]] = {}
        ordered: dict[tuple[int, str], bool] = {}
        for depth, numbered, text in entries:
            above = max((d for d in parents if d < depth), default=None)
            key = (depth, lead if above is None else parents[above])
            groups.setdefault(key, []).append(text)
            ordered[key] = numbered
            parents = {d: t for d, t in parents.items() if d < depth} | {depth: text}
        for key, items in groups.items():
            self._add(
                Listing(
                    path=path,
                    lead=key[1],
                    items=tuple(items),
                    ordered=ordered[key],
                    is_named=names_items,
                )
            )

    def _lead(self) -> str:
        """Return the paragraph just before, if it leads to what comes now."""
        last = self.blocks[-1] if self.blocks and not self._fresh else None
        if isinstance(last, Paragraph) and last.open_ended:
            return last.text
        return ""

    def _paragraph(self) -> bool:
        chunk: list[str] = []
        while self._line().strip() and (not chunk or not self._interrupts()):
            line = lines.CLAUSE.sub("", self._line().lstrip("> \t"), count=1)
            chunk.append(plain(line if chunk else lines.RUN_IN.sub("", line)))
            self._at += 1
        chunk = [line for line in chunk if line]
        if chunk and not self._defined(chunk) and not self._pairs(chunk):
            first, *more = lines.pieces(chunk)
            if more and not self.title and not self.blocks and lines.is_title(first):
                self._enter(PLAIN_LEVEL, first)
            else:
                more = [first, *more]
            for paired, group in groupby(more, key=_is_pair):
                if not paired:
                    for text in group:
                        self._prose(text)
                else:
                    self._listed_pairs(list(group))
        return True

    def _prose(self, text: str) -> None:
        """Take running text, or a short line that only names the list below it."""
        if lines.is_title(text) and lines.ITEM.match(self._line()):
            self._label = (text, True)
        elif words(text) and lines.is_prose(text):
            after = self._line() if self._line().strip() else self._line(1)
            text = self._reply(text)
            leads = text.endswith((":", "\uff1a")) or after.startswith(("    ", "\t"))
            if text:
                self._add(Paragraph(path=self._path, text=text, open_ended=leads))

    def _reply(self, text: str) -> str:
        """Take the first paragraph under a heading that asks as its answer; return the rest."""
        asked = self._headings[-1][1] if self._fresh and self._headings else ""
        if not asked.endswith("?") or not text.endswith("."):
            return text
        answer, taken = "", 0
        for sentence in split(text[: MAX_ANSWER * 2]):
            if len(answer) + len(sentence) > MAX_ANSWER:
                break
            answer, taken = f"{answer} {sentence}".strip(), taken + len(sentence) + 1
        if answer:
            self._add(Answered(path=self._path[:-1], question=asked, answer=answer))
        return text[taken:]

    def _interrupts(self) -> bool:
        line = self._line()
        marks = (lines.HEADING, lines.ITEM, lines.FENCE, lines.CLAUSE)
        return any(mark.match(line) for mark in marks)

    def _defined(self, chunk: list[str]) -> bool:
        """Take a term with its text in lines below that begin with a colon."""
        if not chunk[1:] or not all(line.startswith(": ") for line in chunk[1:]):
            return False
        return self._pairs([f"{chunk[0]}: {' '.join(line[2:] for line in chunk[1:])}"])

    def _listed_pairs(self, chunk: list[str]) -> None:
        """Take lines that are pairs at least among their like; a line before may name them."""
        lead = self._lead().rstrip(" :")
        label = lead if self.blocks and lines.is_title(lead) else ""
        if label:
            self.blocks.pop()
            self._headings.append((MAX_LEVEL, label, ""))
        for line in chunk:
            if not self._pair(line, listed=len(chunk) > 1):
                self._prose(line)
        if label:
            self._headings.pop()

    def _pairs(self, chunk: list[str]) -> bool:
        """Take lines that all are a term with its text."""
        listed = len(chunk) >= MIN_LISTED
        if not all(lines.pair_of(line, listed=listed) for line in chunk):
            return False
        for line in chunk:
            self._pair(line, listed=listed)
        return True

    def _pair(self, line: str, *, listed: bool = False) -> bool:
        """Take a line as a term with its text, if it is one."""
        found = lines.pair_of(line, listed=listed)
        if found is None:
            return False
        term, text = found
        if term.casefold() in SUBJECT and not self.title:
            self.title = text
        if term.casefold() in ADMIN or set(term.casefold().split()) & ASIDE:
            return True
        first, *rest = split(text)
        if rest and says_something(first):
            path = self._path if term.casefold() in GENERIC else (*self._path, term)
            self._add(Paragraph(path=path, text=text))
            return True
        words_beside = lines.is_vocabulary(line)
        self._add(Pair(path=self._path, term=term, text=first, is_vocabulary=words_beside))
        if rest:
            self._add(Paragraph(path=(*self._path, term), text=" ".join(rest)))
        if lines.ITEM.match(self._line()):
            self._label = (term, False)
        return True


def _is_pair(line: str) -> bool:
    return lines.pair_of(line, listed=True) is not None


def _cells(line: str, mark: str) -> tuple[str, ...]:
    inner = line.strip().strip("|") if mark == "|" else line.strip("\n")
    return tuple(plain(cell, keep_code=True) for cell in inner.split(mark))
