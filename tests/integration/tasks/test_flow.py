"""Flow control, windows and backfill on a running stack: through real queues and functions."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.integration.tasks.client import Client, Document, at, parse, second, whole_second_in
from tests.integration.tasks.receiver import Receiver, wait_until

pytestmark = pytest.mark.stack

SPACING_S = 2.0
TOLERANCE_S = 0.5


def _job(client: Client, job_id: str) -> Document:
    job: Document = client.expect(200, "GET", f"/jobs/{job_id}")
    return job


def test_a_backfill_runs_past_slots_at_the_pace_of_its_limit(
    client: Client, receiver: Receiver
) -> None:
    """Asked of the API, worked off by the low queue, called by the listener, told by the job."""
    task = client.create(
        task_name="nightly",
        webhook_url=receiver.url("/nightly"),
        task_schedule="0 3 * * *",
        flow_control={"key": "paced", "rate": 1, "period_s": SPACING_S},
    )
    today = datetime.fromtimestamp(time.time(), UTC).replace(hour=0, minute=0, second=0)
    past = {"start": f"{today - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"}
    body = past | {"end": f"{today:%Y-%m-%dT%H:%M:%SZ}", "overlap": "allow"}
    path = f"/tasks/{task['id']}/backfill"
    assert client.expect(200, "POST", path, body | {"dry_run": True})["job_id"] is None
    started = client.expect(202, "POST", path, body)
    assert started["job_id"] == client.expect(202, "POST", path, body)["job_id"]
    assert 3 == started["slots"]

    calls = receiver.wait_for("/nightly", 3, timeout_s=60)
    gaps = [later.at - earlier.at for earlier, later in pairwise(calls)]
    assert min(gaps) >= SPACING_S - TOLERANCE_S
    slots = [
        f"{today - timedelta(days=n) + timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}" for n in (3, 2, 1)
    ]
    assert sorted(slots) == sorted(c.headers["x-nightshift-scheduled-for"] for c in calls)
    job_id = started["job_id"]
    wait_until(lambda: _job(client, job_id)["status"] == "completed", "the backfill to end", 60)
    assert 3 == _job(client, job_id)["result"]["completed"]
    runs = client.expect(200, "GET", f"/tasks/{task['id']}/runs?trigger=backfill")["items"]
    assert [("completed", 1)] * 3 == [(run["status"], run["attempts"]) for run in runs]
    assert 0 == client.expect(200, "GET", "/flow-controls/paced")["waiting"]


def test_a_spread_task_is_called_at_its_moment_of_the_window(
    client: Client, receiver: Receiver
) -> None:
    """Not at the slot, not before its own second; the call says the slot."""
    slot = whole_second_in(8)
    task = client.create(
        task_name="spread",
        webhook_url=receiver.url("/spread"),
        task_schedule=at(slot),
        spread_s=6,
    )
    (call,) = receiver.wait_for("/spread")
    start = parse(task["next_start_at"])
    assert slot <= start <= slot + timedelta(seconds=6)
    assert start <= second(call.at) <= start + timedelta(seconds=2)
    assert f"{slot:%Y-%m-%dT%H:%M:%SZ}" == call.headers["x-nightshift-scheduled-for"]
