"""Whoever serves a queue knows every kind of it, and may do what the kinds and their ends do."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nightshift.core.environment import PREFIX, describe
from nightshift.jobs.model import QueueName
from nightshift.jobs.settings import EngineSettings
from nightshift.work_wiring import CONTEXTS
from tests.unit.template.cfn import ROOT, deployed
from tests.unit.template.shape import allowed, events, functions, role_of, variables

ENDING = ("listener", "worker_default", "worker_low", "sweeper", "dead_letters")
"""The functions that end jobs of their own accord, and so do what a kind's end calls for."""
LISTENER = "listener"
KEY = f"{PREFIX}SEALING_KEY_PARAM"
"""What only who calls webhooks needs: the signing key."""
KEEPS = {
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
}
ASKED = {
    f"{PREFIX}EMAIL_TABLE": "dynamodb:PutItem",
    f"{PREFIX}IDENTITY_TABLE": "dynamodb:GetItem",
}
"""What the end of a job takes of tables that belong to others: to ask for a mail, to know whom."""
BUCKET = "<Storage/PayloadsBucket.Arn>"


def probe(name: str) -> dict[str, Any]:
    """What a function of a deployed stack says of itself, in a process of its own."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/common/python"), str(ROOT)]),
        "AWS_REGION": "us-east-1",
        **variables(functions(deployed("prod"))[name]),
    }
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "tests.unit.template.probe", str(ROOT / "functions" / name)],
        env=environ, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def known() -> Iterator[dict[str, dict[str, Any]]]:
    """What each of the functions says of itself."""
    with ThreadPoolExecutor(2) as pool:
        yield dict(zip(ENDING, pool.map(probe, ENDING), strict=True))


def server_of(queue: str) -> str:
    """The function that takes jobs from a queue of the engine."""
    source = f"<Queues/{queue.title()}Queue.Arn>"
    found = functions(deployed("prod")).items()
    (name,) = [n for n, one in found if source in [e["Queue"] for e in events(one, "SQS")]]
    return name


def test_every_context_with_kinds_adds_them() -> None:
    """A context declares its kinds in its `jobs.py`; the machine of all kinds asks it for them."""
    package = ROOT / "layers/common/python/nightshift"
    contexts = {path.parent.name for path in package.glob("*/jobs.py")}
    assert contexts == {get.__module__.split(".")[1] for get in CONTEXTS}


def test_every_kind_is_known_where_its_messages_arrive(known: dict[str, dict[str, Any]]) -> None:
    """A job whose kind nobody knew there would be refused."""
    declared = {kind: queue for one in known.values() for kind, queue in one["kinds"].items()}
    assert {*QueueName} == {*declared.values()}
    for kind, queue in declared.items():
        assert kind in known[server_of(queue)]["kinds"]


@pytest.mark.parametrize("name", [name for name in ENDING if name != LISTENER])
def test_whoever_ends_jobs_of_all_kinds_knows_all(
    known: dict[str, dict[str, Any]], name: str
) -> None:
    """Else what follows from the end of some would not be done."""
    declared = {kind for one in known.values() for kind in one["kinds"]}
    assert declared == known[name]["kinds"].keys()


@pytest.mark.parametrize("name", ENDING)
def test_nothing_is_missing_that_a_context_asks_for(
    known: dict[str, dict[str, Any]], name: str
) -> None:
    """Each place that the wiring of a kind's context asks for is in the environment."""
    wired = {info.name for info in describe(EngineSettings) if info.wiring}
    places = ("_TABLE", "_BUCKET", "_QUEUE_URL", "_PARAM")
    missing = {n for n in known[name]["missing"] if n in wired or n.endswith(places)}
    assert (set() if name == LISTENER else {KEY}) == missing


@pytest.mark.parametrize("name", ENDING)
def test_the_role_allows_what_kinds_do(name: str) -> None:
    """Their tables are read and written, more jobs enqueued, payloads kept, the bus told."""
    function = functions(deployed("prod"))[name]
    role = role_of(deployed("prod"), function)
    for variable, value in variables(function).items():
        resource = value.replace(">", ".Arn>")
        if variable in ASKED:
            assert allowed(role, resource) >= {ASKED[variable]}
        elif variable.endswith("_TABLE"):
            assert allowed(role, resource) >= KEEPS
        elif variable.endswith("_DEAD_QUEUE_URL"):
            assert allowed(role, resource) >= {"sqs:DeleteMessage", "sqs:ReceiveMessage"}
        elif variable.endswith("_QUEUE_URL"):
            assert allowed(role, resource) >= {"sqs:GetQueueAttributes", "sqs:SendMessage"}
        elif variable.endswith("_BUS_NAME"):
            assert {"events:PutEvents"} == allowed(role, resource)
    assert {"s3:GetObject", "s3:PutObject"} == allowed(role, f"{BUCKET}/payloads/*")
    assert "s3:ListBucket" in allowed(role, BUCKET)


@pytest.mark.parametrize("queue", QueueName)
def test_workers_keep_results(queue: str) -> None:
    """Whoever performs jobs may put what they made, and read it again."""
    name = server_of(queue)
    role = role_of(deployed("prod"), functions(deployed("prod"))[name])
    assert {"s3:GetObject", "s3:PutObject"} == allowed(role, f"{BUCKET}/results/*")


@pytest.mark.parametrize("queue", QueueName)
def test_a_worker_takes_from_its_queue_alone(queue: str) -> None:
    """It cannot take what belongs to another."""
    stack = deployed("prod")
    for other in QueueName:
        role = role_of(stack, functions(stack)[server_of(queue)])
        taking = "sqs:ReceiveMessage" in allowed(role, f"<Queues/{other.title()}Queue.Arn>")
        assert (queue == other) == taking


def test_the_api_reads_results_and_keeps_payloads() -> None:
    """A download is signed by the api's role; large payloads lie in the bucket before a job is."""
    role = role_of(deployed("prod"), functions(deployed("prod"))["api"])
    assert {"s3:GetObject"} == allowed(role, f"{BUCKET}/results/*")
    assert {"s3:GetObject", "s3:PutObject"} == allowed(role, f"{BUCKET}/payloads/*")


def test_who_makes_reports_keeps_them_and_who_shows_them_reads_them() -> None:
    """Large ones lie in the bucket; everybody else only says that the making has ended."""
    stack = deployed("prod")
    found = {
        name: allowed(role_of(stack, one), f"{BUCKET}/cache/*")
        for name, one in functions(stack).items()
    }
    reading = {"s3:GetObject"}
    expected = {"worker_low": reading | {"s3:PutObject"}, "api": reading, "console": reading}
    assert expected == {name: actions for name, actions in found.items() if actions}
