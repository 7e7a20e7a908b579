"""Every key of the jobs table.

Within a subject's partition the sort keys are prefixed so that one descending query meets the seat
first and then the newest records (`S` > `R#` > `P#` > `L#` > `A#`).
"""

import hashlib

from nightshift.aws.dynamo import Item

SEAT = "S"
RECORD = "R#"
PARKED = "P#"
LOG = "L#"
CHECKPOINT = "C#"
OWN_SEAT = "A#"
GROUP = "G#"
SINGLE = "M#"
PLACE = "H#"
RATE = "A"
RESERVED = "V#"
UNIQUE = "U"
QUEUES = "QUEUES"
TICK = "TICK"
SWEEP = "SWEEP"
_PART = "PART#"


def subject(kind: str, subject_id: str) -> str:
    """Return the partition of a subject's seat, records and log."""
    return f"J#{kind}#{subject_id}"


def record(job_id: str) -> str:
    """Return the sort key of a job's record; UUIDv7 ids sort by time."""
    return RECORD + job_id


def own_seat(job_id: str) -> str:
    """Return the sort key of the seat of a job that may overlap with others."""
    return OWN_SEAT + job_id


def parked(job_id: str) -> str:
    """Return the sort key of a job that waits for the subject's seat."""
    return PARKED + job_id


def log(job_id: str, attempt: int) -> str:
    """Return the sort key of the log entry of an attempt that was not the last."""
    return f"{LOG}{job_id}#{attempt:05d}"


def log_prefix(job_id: str) -> str:
    """Return what the sort keys of a job's log entries begin with."""
    return f"{LOG}{job_id}#"


def checkpoint(job_id: str) -> str:
    """Return the sort key of how far a job that works in portions has come."""
    return CHECKPOINT + job_id


def due(minute: int, shard: int) -> str:
    """Return the partition of what falls due in a minute (minutes since the Unix epoch)."""
    return f"DUE#{minute}#{shard}"


def group_hint(spec: str) -> str:
    """Return the sort key of a group's hint within a due bucket."""
    return GROUP + spec


def single_hint(job_id: str, attempt: int) -> str:
    """Return the sort key of a single message within a due bucket."""
    return f"{SINGLE}{job_id}#{attempt:05d}"


def group(spec: str, shard: int) -> str:
    """Return the partition of a group's members in one shard."""
    return f"GRP#{shard}#{spec}"


def claims(minute: int) -> str:
    """Return the partition of the manifests that the sweeper reads in a minute."""
    return f"CLAIM#{minute}"


def dead(owner_id: str) -> str:
    """Return the partition of an owner's dead letters."""
    return f"DEAD#{owner_id}"


def dead_of_queue(queue: str) -> str:
    """Return the partition of a queue's dead letters, whoever owns them."""
    return f"DEADQ#{queue}"


def orders(owner_id: str) -> str:
    """Return the partition of what an owner's jobs were asked to do, by job id."""
    return f"OWN#{owner_id}"


def unique(kind: str, key: str) -> Item:
    """Return the key of the lock that makes jobs of a kind unique; any text is a `key`."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    return {"pk": f"U#{kind}#{digest}", "sk": UNIQUE}


def gate(key: str) -> str:
    """Return the partition of a gate: who is in, who waits, and when the next may start."""
    return f"GATE#{key}"


def gate_place(number: int) -> str:
    """Return the sort key of one of the places in a gate."""
    return f"{PLACE}{number:03d}"


def reserved(job_id: str) -> str:
    """Return the sort key of a start that a gate has reserved for a job."""
    return RESERVED + job_id


def held(queue: str, shard: int) -> str:
    """Return the partition of the messages that a paused queue keeps back."""
    return f"HELD#{queue}#{shard}"


def queue_state(name: str) -> Item:
    """Return the key of what an administrator said of a queue."""
    return {"pk": QUEUES, "sk": name}


def cursor(name: str) -> Item:
    """Return the key of a cursor (`TICK`, `SWEEP`): how far a periodic walk has come."""
    return {"pk": f"CURSOR#{name}", "sk": _PART}
