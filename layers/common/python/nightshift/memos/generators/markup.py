"""Markdown and stray markup: what a line says once its marks are gone."""

import re
import unicodedata

MAX_LINE = 20_000
_BOLD = re.compile(r"(\*\*|__)(?=\S)([^*_\n]{1,80}?)(?<=\S)\1")
_ITALIC = re.compile(r"(?<![\w*])([*_])(?=[^\s*_])([^*_\n]{1,200}?)(?<=\S)\1(?![\w*])")
_IMAGE = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\s]{0,500}\)")
_LINK = re.compile(r"\[([^\]\n]{1,200})\]\([^)\s]{0,500}(?: \"[^\"\n]{0,100}\")?\)")
_NOTE = re.compile(r"\[(?:\d{1,3}|\^[^\]\s]{1,20}|citation needed)\]")
_URL = re.compile(r"<?(?:https?://|www\.)[^\s<>]{1,2000}>?")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>|<!--[^\n]{0,500}?-->")
_CODE = re.compile(r"(`[^`\n]{1,200}`)")
_SPOKEN = re.compile(r" ?\((?=[^()]*(?:[\u0250-\u02ff]|listen))[^()]{1,120}\)")
"""How something is pronounced, in brackets."""
_SPACE = re.compile(r"[^\S\n\t]+")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def visible(text: str) -> str:
    """Return `text` with plain line ends and without characters that nobody sees."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    if text.isascii() and text.isprintable():
        return text
    kept = {"\n", "\t", "\u200c", "\u200d"}
    bad = {c for c in set(text) if c not in kept and unicodedata.category(c) in _UNSEEN}
    text = text.translate({ord(c): None for c in bad})
    return _SPACE.sub(" ", text) if not text.isascii() else text


def bold_terms(text: str) -> frozenset[str]:
    """Return the words that `text` sets in bold, without case and closing colon."""
    return frozenset(
        match[2].strip(" :.").casefold()
        for match in _BOLD.finditer(text)
        if not match[2].endswith(".")
    )


def plain(line: str, *, keep_code: bool = False) -> str:
    """Return a line without Markdown's marks, links' addresses, footnotes, tags and URLs.

    What stands between backticks is left as it is; with `keep_code` so are they.
    """
    line = line[:MAX_LINE]
    if "`" not in line:
        return " ".join(_unmarked(line).split())
    parts = [
        (part if keep_code else part[1:-1]) if at % 2 else _unmarked(part)
        for at, part in enumerate(_CODE.split(line))
    ]
    return " ".join("".join(parts).split())


def _unmarked(line: str) -> str:
    if "<" in line:
        line = _TAG.sub("", line)
    if "[" in line:
        line = _NOTE.sub("", _LINK.sub(r"\1", _IMAGE.sub("", line)))
    if "http" in line or "www." in line:
        line = _URL.sub("", line)
    if "*" in line or "_" in line:
        line = _ITALIC.sub(r"\2", _BOLD.sub(r"\2", line))
    return _SPOKEN.sub("", line) if "(" in line else line
