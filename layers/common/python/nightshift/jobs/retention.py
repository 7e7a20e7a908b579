"""Keys of the payloads bucket, which say for how many days the bucket keeps what lies there.

A bucket deletes by prefix and age alone, and a job may wait for years: so whoever puts something
there says how long it is needed, and the key gets the next longer term that the bucket knows
(`infra/storage.yaml`).
"""

DAY_S = 86_400
TERMS_DAYS = (35, 100, 400, 8_000)
"""The terms; the last one outlasts the longest delay and the longest retention together."""
PAYLOADS = "payloads"
RESULTS = "results"


def term(needed_s: float) -> int:
    """Return the shortest term in days that covers `needed_s` seconds from now.

    Raises:
        ValueError: there is none.
    """
    for days in TERMS_DAYS:
        if needed_s <= days * DAY_S:
            return days
    raise ValueError(f"nothing is kept for more than {TERMS_DAYS[-1]} days")


def payload_key(job_id: str, *, needed_s: float) -> str:
    """Return where a job's payload lies that is needed for `needed_s` seconds."""
    return f"{PAYLOADS}/{term(needed_s)}d/{job_id}.json"


def result_key(job_id: str, name: str, *, needed_s: float) -> str:
    """Return where a file that a job has made lies, needed for `needed_s` seconds.

    The name should hold the attempt, so that a late attempt cannot replace what a newer one made.
    """
    return f"{RESULTS}/{term(needed_s)}d/{job_id}/{name}"
