"""Settings of reports and of the GitHub client."""

from dataclasses import dataclass

from nightshift.core.environment import setting

MAX_TIMEOUT_S = 600
"""What an attempt on the queue `low` may take at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportSettings:
    """How reports are made and kept."""

    max_reported_user_concurrent_tasks: int = setting(
        default=1, unit="jobs", ge=1, le=20,
        doc="How many reports on one GitHub user are made at a time, whoever asks.",
    )  # fmt: skip
    task_timeout_seconds: int = setting(
        default=300, unit="seconds", ge=30, le=MAX_TIMEOUT_S,
        doc="How long one attempt to make a report may take; the function that makes it has no "
        "time for more than the bound.",
    )  # fmt: skip
    report_fresh_s: int = setting(
        default=3_600, unit="seconds", ge=0, le=2_592_000,
        doc="For how long a report counts as fresh while its period goes on.",
    )  # fmt: skip
    report_over_fresh_s: int = setting(
        default=604_800, unit="seconds", ge=0, le=2_592_000,
        doc="The same for a report of a period that is over.",
    )  # fmt: skip
    report_keep_days: int = setting(
        default=30, unit="days", ge=1, le=90,
        doc="For how long a report is kept after it was made; it is served as stale meanwhile.",
    )  # fmt: skip
    report_failure_pause_s: int = setting(
        default=60, unit="seconds", ge=0, le=86_400,
        doc="For how long after a failed try only those who force it have a report made again.",
    )  # fmt: skip
    report_max_wait_s: int = setting(
        default=3_900, unit="seconds", ge=0, le=86_400,
        doc="How long the making of a report is put off for GitHub's limits; more is a failure. "
        "GitHub's longest window is an hour.",
    )  # fmt: skip
    report_max_pull_requests: int = setting(
        default=5_000, unit="pull requests", ge=100, le=20_000,
        doc="How many pull requests of a report are looked at; the rest is counted only.",
    )  # fmt: skip
    report_max_sized: int = setting(
        default=100, unit="pull requests", ge=0, le=1_000,
        doc="Of how many pull requests, the newest, the size is asked for: one request each. At "
        "most 20 without a token.",
    )  # fmt: skip
    report_max_starred: int = setting(
        default=20, unit="repositories", ge=0, le=200,
        doc="For how many repositories, those with most stars, new stars are counted: up to ten "
        "requests each. At most 3 without a token.",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubSettings:
    """How GitHub is asked."""

    github_api_url: str = setting(
        default="https://api.github.com",
        doc="Where GitHub's REST API answers; of an own server it ends in /api/v3.",
    )
    github_token_param: str = setting(
        default="",
        doc="Name of the parameter with GitHub's token; it need not exist.",
        wiring=True,
    )
    github_inline_wait_s: int = setting(
        default=65, unit="seconds", ge=0, le=300,
        doc="How long an attempt waits at a time for GitHub's limits; for what takes longer the "
        "job is put off.",
    )  # fmt: skip
    github_fresh_s: int = setting(
        default=900, unit="seconds", ge=0, le=86_400,
        doc="For how long an answer of GitHub's is used again without asking; what an attempt has "
        "read before it was cut off, the next one need not ask.",
    )  # fmt: skip
    github_max_answer_bytes: int = setting(
        default=8_388_608, unit="bytes", ge=65_536, le=67_108_864,
        doc="The largest answer of GitHub's that is read.",
    )  # fmt: skip
    github_tries: int = setting(
        default=3, unit="tries", ge=1, le=10,
        doc="How often a question is asked that GitHub's servers fail to answer.",
    )  # fmt: skip
