"""The colours of mails, light and dark, and which stand on which; a test holds their contrasts.

Dark values are used by clients that honour `prefers-color-scheme`; those that turn colours round by
themselves start from the light ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Palette:
    """One scheme; each value is `#rrggbb`."""

    page: str
    card: str
    edge: str
    panel: str
    text: str
    muted: str
    link: str
    button: str
    button_text: str
    alert: str
    alert_panel: str
    bar: str
    track: str

    def as_dict(self) -> Mapping[str, str]:
        """Return the colours by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


LIGHT = Palette(
    page="#eef0f4",
    card="#ffffff",
    edge="#dfe3ea",
    panel="#f5f6f9",
    text="#1c2230",
    muted="#545d6e",
    link="#2f3fb8",
    button="#3444c4",
    button_text="#ffffff",
    alert="#a1260d",
    alert_panel="#fdf1ee",
    bar="#3444c4",
    track="#e3e6f0",
)
DARK = Palette(
    page="#12141a",
    card="#1b1f28",
    edge="#313746",
    panel="#232833",
    text="#e9ecf3",
    muted="#aab2c2",
    link="#a9b5ff",
    button="#a9b5ff",
    button_text="#12141a",
    alert="#ffb4a3",
    alert_panel="#3a211c",
    bar="#8d9cff",
    track="#333a4a",
)

READ_ON: tuple[tuple[str, str], ...] = (
    ("text", "card"),
    ("text", "panel"),
    ("text", "alert_panel"),
    ("muted", "card"),
    ("muted", "panel"),
    ("muted", "page"),
    ("link", "card"),
    ("link", "page"),
    ("button_text", "button"),
    ("alert", "card"),
    ("alert", "alert_panel"),
)
"""What is read, and what it stands on: WCAG 2.2 asks for 4.5 to 1 (1.4.3)."""

SEEN_ON: tuple[tuple[str, str], ...] = (("bar", "track"), ("button", "card"))
"""What only has to be seen: 3 to 1 (1.4.11)."""
