"""The two small pages behind a link to unsubscribe; they load nothing and run nothing."""

import hashlib
from base64 import b64encode

from nightshift.email.model import Category
from nightshift.email.palette import DARK, LIGHT

_WORDS = {
    Category.WEEKLY_SUMMARY: "weekly summaries",
    Category.MONTHLY_REPORT: "monthly reports",
    Category.TASK_ALERTS: "mails about tasks that fail",
}
_STYLE = (
    ":root{color-scheme:light dark}"
    f"body{{margin:0;padding:3rem 1rem;background:{LIGHT.page};color:{LIGHT.text};"
    "font:400 1rem/1.6 system-ui,sans-serif}"
    f"main{{max-width:30rem;margin:0 auto;padding:2rem;background:{LIGHT.card};"
    f"border:1px solid {LIGHT.edge};border-radius:12px}}"
    "h1{margin:0 0 1rem;font-size:1.4rem;line-height:1.3}p{margin:0 0 1rem}"
    f"button{{padding:.8rem 1.6rem;border:0;border-radius:8px;background:{LIGHT.button};"
    f"color:{LIGHT.button_text};font:600 1rem/1.4 system-ui,sans-serif;cursor:pointer}}"
    f"button:focus-visible{{outline:3px solid {LIGHT.text};outline-offset:3px}}"
    "@media (prefers-color-scheme:dark){"
    f"body{{background:{DARK.page};color:{DARK.text}}}"
    f"main{{background:{DARK.card};border-color:{DARK.edge}}}"
    f"button{{background:{DARK.button};color:{DARK.button_text}}}"
    f"button:focus-visible{{outline-color:{DARK.text}}}}}"
)
_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""The pages' Content-Security-Policy: their own style, a form to the same place, nothing else."""


def asking_page(category: Category) -> str:
    """Return the page that asks for the click; its form goes to its own address."""
    words = _WORDS[category]
    return _page(
        f"Get no more {words}?",
        "<p>All other mails stay as they are, and you can change this at any time in your "
        'settings.</p><form method="post"><button>Unsubscribe</button></form>',
    )


def done_page(category: Category) -> str:
    """Return the page that says it is done."""
    return _page(
        "You are unsubscribed",
        f"<p>You will get no more {_WORDS[category]}. All other mails stay as they are.</p>",
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
