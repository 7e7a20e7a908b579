"""One example of every mail, as its sender would ask for it, and what it looks like.

`python -m tests.support.mails` writes the snapshots in `tests/data/mails` again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightshift.email.model import CATEGORY_OF, Reader, Template
from nightshift.email.rendering import Brand, Rendered, render
from nightshift.email.schemas import read_data

SNAPSHOTS = Path(__file__).resolve().parents[1] / "data" / "mails"

LINK = "https://nightshift.example.com"
TOKEN = "k7Qd1m9yS0vR3bX2tN8wLw5ZcJf4HgUe"
READER = Reader(
    user_id="01980000-0000-7000-8000-000000000001",
    email="ada@example.com",
    name="Ada",
    locale="en-GB",
    time_zone="Europe/Berlin",
    verified=True,
)
UNSUBSCRIBE = f"{LINK}/api/v1/email/unsubscribe?token={TOKEN}"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
_FIGURES = {
    "distance_m": 42_195,
    "duration_s": 15_480,
    "current_streak_days": 6,
    "longest_streak_days": 11,
    "by_type": [
        {"type": "Run", "count": 5},
        {"type": "Ride", "count": 3},
        {"type": "Swim", "count": 1},
    ],
    "link": f"{LINK}/console/stats",
}

EXAMPLES: Mapping[Template, Mapping[str, Any]] = {
    Template.WELCOME: {"link": f"{LINK}/console"},
    Template.VERIFICATION: {
        "link": f"{LINK}/console/verify?token={TOKEN}",
        "expires_at": "2026-11-26T14:30:00Z",
    },
    Template.RESET: {
        "link": f"{LINK}/console/reset?token={TOKEN}",
        "expires_at": "2026-11-25T15:30:00Z",
    },
    Template.PASSWORD_CHANGED: {
        "changed_at": "2026-11-25T14:30:00Z",
        "address": "203.0.113.7",
        "user_agent": FIREFOX,
        "link": f"{LINK}/console/forgot",
    },
    Template.NEW_SIGN_IN: {
        "signed_in_at": "2026-11-25T14:30:00Z",
        "address": "2001:db8:85a3::8a2e:370:7334",
        "user_agent": FIREFOX,
        "link": f"{LINK}/console/sessions",
    },
    Template.WEEKLY_SUMMARY: {
        **_FIGURES,
        "activities": 9,
        "week_start": "2026-11-16",
        "week_end": "2026-11-22",
        "previous_activities": 7,
        "previous_distance_m": 38_400,
    },
    Template.MONTHLY_REPORT: {
        **_FIGURES,
        "activities": 34,
        "distance_m": 184_300,
        "duration_s": 66_000,
        "month": "2026-10-01",
        "active_days": 22,
        "by_type": [
            {"type": "Run", "count": 19},
            {"type": "Ride", "count": 10},
            {"type": "Swim", "count": 5},
        ],
        "attached": True,
    },
    Template.EXPORT_READY: {
        "format": "csv",
        "items": 10_412,
        "size_bytes": 1_843_200,
        "link": f"{LINK}/api/v1/exports/01980000-0000-7000-8000-0000000000aa/download",
        "expires_at": "2026-12-02T14:30:00Z",
    },
    Template.TASK_FAILED: {
        "task_id": "01980000-0000-7000-8000-0000000000bb",
        "task_name": "nightly-sync",
        "run_id": "01980000-0000-7000-8000-0000000000cc",
        "scheduled_for": "2026-11-25T01:00:00Z",
        "attempts": 4,
        "reason": "",
        "response_status": 503,
        "link": f"{LINK}/console/tasks/01980000-0000-7000-8000-0000000000bb",
    },
    Template.TASK_PAUSED: {
        "task_id": "01980000-0000-7000-8000-0000000000bb",
        "task_name": "nightly-sync",
        "failures": 10,
        "paused_at": "2026-11-25T01:00:32Z",
        "link": f"{LINK}/console/tasks/01980000-0000-7000-8000-0000000000bb",
    },
}


def rendered(template: Template, **changed: Any) -> Rendered:
    """Return an example as it is rendered for Ada."""
    found, data = read_data(template, {**EXAMPLES[template], **changed})
    return render(
        found,
        data,
        reader=READER,
        brand=Brand(url=LINK),
        unsubscribe_url=UNSUBSCRIBE if template in CATEGORY_OF else "",
    )


def snapshots() -> Mapping[str, str]:
    """Return the files that show what every mail looks like, by name."""
    files = {}
    for template in Template:
        mail = rendered(template)
        files[f"{template.value}.html"] = mail.html
        files[f"{template.value}.txt"] = f"Subject: {mail.subject}\n\n{mail.text}"
    return files


def main() -> None:
    """Write the snapshots again; look at what changed before committing it."""
    SNAPSHOTS.mkdir(parents=True, exist_ok=True)
    for name, text in snapshots().items():
        (SNAPSHOTS / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
