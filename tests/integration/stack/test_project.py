"""What the local stack does with each kind of declaration, on a small project of its own."""

import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack.harness import Stack, copy_project

pytestmark = pytest.mark.stack
FUNCTION = "nightshift-local-probe"


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The small project, running."""
    directory = tmp_path_factory.mktemp("probe")
    stack = Stack(directory / "data", {"NIGHTSHIFT_BODY_LIMIT_BYTES": "12345"})
    stack.root = copy_project(directory / "project")
    yield stack.start()
    stack.end()


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Stack]:
    """A copy of the small project for a test to change, not started yet, ended afterwards."""
    stack = Stack(tmp_path / "data", {})
    stack.root = copy_project(tmp_path / "project")
    yield stack
    if stack.launched:
        stack.end()


def test_what_the_emulator_drops_is_mended_and_nothing_differs(probe: Stack) -> None:
    """What the deployment leaves out of tables, schedules, APIs and buckets is put right."""
    report = probe.state()["report"]

    assert [] == report["differences"]
    assert {
        "table Table: TTL",
        "table Table: point-in-time recovery",
        "table Table: encryption",
        "schedule probe-night: time zone",
        "api Api: CORS",
        "bucket Files: encryption",
        "bucket Files: lifecycle",
    } == set(report["mended"])


def test_requests_reach_the_function_as_http_api_events(probe: Stack) -> None:
    """Path, query, headers and body arrive as API Gateway's payload format 2.0 has them."""
    reply = probe.request(
        "POST", "/probe/echo?x=1&x=2&y=%C3%A4", {"a": 1}, headers={"X-Forwarded-For": "9.9.9.9"}
    )

    event = reply.json()["event"]
    assert "2.0" == event["version"]
    assert "/probe/echo" == event["rawPath"]
    assert "x=1&x=2&y=%C3%A4" == event["rawQueryString"]
    assert {"a": 1} == json.loads(event["body"])
    assert "127.0.0.1" == event["headers"]["x-forwarded-for"]
    assert f"127.0.0.1:{probe.port}" == event["headers"]["host"]
    assert 1000 < reply.json()["remaining_ms"] <= 2000


def test_bytes_go_through_unchanged_both_ways(probe: Stack) -> None:
    """Any byte, any header and every cookie comes out as the function gave it."""
    data = bytes(range(256)) * 4096
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", probe.port)) as connection:
        connection.request("POST", "/probe/bytes", data, {"content-type": "application/x-thing"})
        answer = connection.getresponse()
        body = answer.read()

    assert 201 == answer.status
    assert data == body
    assert ["one=1; Path=/", "two=2"] == answer.headers.get_all("set-cookie")
    assert "a, b" == answer.headers["x-mixed"]


def test_a_connection_serves_several_requests_chunked_and_expecting(probe: Stack) -> None:
    """Keep-alive, chunked request bodies and 100-continue work on one connection."""
    with socket.create_connection(("127.0.0.1", probe.port)) as link:
        reader = link.makefile("rb")
        link.sendall(
            b"POST /probe/echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n"
            b"content-type: text/plain\r\nexpect: 100-continue\r\n\r\n"
        )
        assert reader.readline().startswith(b"HTTP/1.1 100")
        reader.readline()
        link.sendall(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        first = _read_answer(reader)
        link.sendall(b"GET /probe/echo HTTP/1.1\r\nhost: localhost\r\n\r\n")
        second = _read_answer(reader)

    assert "abcde" == json.loads(first)["event"]["body"]
    assert "body" not in json.loads(second)["event"]


def test_a_large_answer_is_not_cut(probe: Stack) -> None:
    """Five megabytes arrive whole."""
    assert 5_000_000 == len(probe.get("/probe/large?size=5000000").body)


@pytest.mark.parametrize("path", ["raise", "exit", "sleep?s=30"])
def test_a_broken_function_answers_as_in_the_cloud(probe: Stack, path: str) -> None:
    """An exception, a lost process and a timeout are 500 without details, then all is well."""
    reply = probe.get(f"/probe/{path}")

    assert 500 == reply.status
    assert {"message": "Internal Server Error"} == reply.json()
    assert 200 == probe.get("/probe/echo").status


def test_an_exception_is_in_the_functions_log(probe: Stack) -> None:
    """What the caller is not told stands in the log file, with its traceback."""
    probe.get("/probe/raise")

    log = (probe.data_dir / "logs" / f"{FUNCTION}.log").read_text()

    assert "ValueError: a secret of the inside" in log


def test_a_host_that_is_not_this_machine_is_refused(probe: Stack) -> None:
    """A web page cannot reach the stack through a name that resolves to loopback."""
    reply = probe.request("GET", "/probe/echo", headers={"Host": "evil.example.com"})

    assert 421 == reply.status
    assert "application/problem+json" == reply.headers["content-type"]


def test_an_authorizer_guards_its_route(probe: Stack) -> None:
    """A route with a JWT authorizer refuses a request without a token."""
    assert 401 == probe.get("/secured").status


def test_preflights_are_answered_from_the_declared_cors(probe: Stack) -> None:
    """The declared origin and methods are allowed, others are not named."""
    headers = {
        "Origin": "https://console.example.com",
        "Access-Control-Request-Method": "POST",
    }

    reply = probe.request("OPTIONS", "/probe/echo", headers=headers)

    assert "https://console.example.com" == reply.headers["access-control-allow-origin"]
    assert "GET,POST" == reply.headers["access-control-allow-methods"]


def test_functions_see_the_lock_and_the_emulator_only(probe: Stack) -> None:
    """They run with the locked packages, dummy credentials and the emulator's address."""
    inside = probe.get("/probe/inside").json()

    environment = inside["environment"]
    assert ".venvs/handlers/" in inside["boto3"]
    assert probe.state()["endpoint"] == inside["endpoint"]
    assert "000000000000" == environment["AWS_ACCESS_KEY_ID"]
    assert "local" == environment["NIGHTSHIFT_STAGE"]
    assert "12345" == environment["NIGHTSHIFT_BODY_LIMIT_BYTES"]
    assert "NIGHTSHIFT_LOCAL_CODE" not in environment


def test_the_real_cloud_cannot_be_reached(probe: Stack) -> None:
    """A name of the cloud does not even resolve inside a function."""
    refused = probe.get("/probe/cloud").json()["refused"]

    assert "never reaches dynamodb.us-east-1.amazonaws.com" in refused


def test_invocations_at_once_run_in_processes_of_their_own(probe: Stack) -> None:
    """Sixteen calls that take 0.3 s each do not wait for one another."""
    pids: list[int] = []
    started = time.monotonic()

    _at_once(16, lambda: pids.append(probe.get("/probe/sleep?s=0.3").json()["pid"]))

    assert 16 == len(set(pids))
    assert time.monotonic() - started < 4


def test_a_killed_worker_costs_only_its_own_invocation(probe: Stack) -> None:
    """Killing a busy process fails its request at once; the next one is served."""
    statuses: list[int] = []
    caller = threading.Thread(
        target=lambda: statuses.append(probe.get("/probe/sleep?s=1.9").status)
    )
    caller.start()
    busy = _eventually(lambda: [w["pid"] for w in probe.workers("probe") if w["busy"]])

    os.kill(busy[0], signal.SIGKILL)
    caller.join()

    assert [500] == statuses
    assert 200 == probe.get("/probe/echo").status


def test_delayed_messages_arrive_in_batches_soon_after_their_second(probe: Stack) -> None:
    """A hundred messages delayed by 1 to 3 s: each arrives once, never early, and soon."""
    queue, url = probe.client("sqs"), probe.outputs()["WorkUrl"]
    for block in range(10):
        entries = [_entry(block * 10 + i, delay=1 + (block + i) % 3) for i in range(10)]
        queue.send_message_batch(QueueUrl=url, Entries=entries)

    seen = _eventually(lambda: _messages(probe, "delayed", wanted=100))

    late = [line["at"] - line["due"] for line in seen]
    assert 100 == len({line["n"] for line in seen})
    assert 100 == len(seen)
    assert min(late) >= 0
    assert statistics.median(late) < 0.3
    assert max(line["size"] for line in seen) > 1


def test_a_failed_message_comes_again_alone_and_then_dies(probe: Stack) -> None:
    """Partial failure: the good message is done, the bad one ends in the dead-letter queue."""
    queue, outputs = probe.client("sqs"), probe.outputs()
    good = {"kind": "good", "n": 1}
    bad = {"kind": "bad", "n": 2, "fail": True}
    entries = [{"Id": b["kind"], "MessageBody": json.dumps(b)} for b in (good, bad)]

    queue.send_message_batch(QueueUrl=outputs["WorkUrl"], Entries=entries)
    dead = _eventually(lambda: _receive(queue, outputs["DeadLettersUrl"]))

    assert bad == json.loads(dead[0]["Body"])
    assert 1 == len(_messages(probe, "good"))
    assert 2 == len(_messages(probe, "bad"))


def test_what_no_longer_stands_is_named(probe: Stack) -> None:
    """A route, a TTL, a mapping, a CORS, a time zone and a lifecycle are missed, each by name."""
    report = probe.state()["report"]
    apis, api = probe.client("apigatewayv2"), _api(probe)
    routes = apis.get_routes(ApiId=api)["Items"]
    secured = next(route for route in routes if route["RouteKey"] == "GET /secured")
    mapping = probe.client("lambda").list_event_source_mappings()["EventSourceMappings"][0]
    schedules = probe.client("scheduler")
    night = schedules.get_schedule(Name="probe-night")
    table = probe.outputs()["TableName"]

    apis.delete_route(ApiId=api, RouteId=secured["RouteId"])
    apis.create_route(ApiId=api, RouteKey="GET /more", Target=secured["Target"])
    apis.delete_cors_configuration(ApiId=api)
    probe.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], BatchSize=3)
    probe.client("dynamodb").update_time_to_live(
        TableName=table, TimeToLiveSpecification={"AttributeName": "gone_at", "Enabled": False}
    )
    schedules.update_schedule(
        **{k: night[k] for k in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")},
        ScheduleExpressionTimezone="UTC",
    )
    probe.client("s3").delete_bucket_lifecycle(Bucket=probe.outputs()["FilesName"])
    found = probe.get("/dev/comparison.json").json()

    assert [] == report["differences"]
    assert any(line.startswith("bucket Files: lifecycle is declared as") for line in found)
    assert f"route {api} GET /secured is declared and does not stand" in found
    assert f"route {api} GET /more stands and is not declared" in found
    assert 'table Table: ttl is declared as "gone_at", stands as null' in found
    assert "mapping ProbeWork: batch_size is declared as 10, stands as 3" in found
    wanted = 'schedule probe-night: timezone is declared as "Europe/Berlin", stands as "UTC"'
    assert wanted in found
    assert "api Api: MaxAge is declared as 600, stands as 0" in found


def test_changed_code_and_template_take_effect_at_the_next_start(copied: Stack) -> None:
    """Edit, restart: the new code runs, the new route stands, the data is still there."""
    copied.start()
    item = {"pk": {"S": "kept"}}
    copied.client("dynamodb").put_item(TableName=copied.outputs()["TableName"], Item=item)
    copied.end()
    handler = copied.root / "functions/probe/handler.py"
    handler.write_text(handler.read_text().replace('"statusCode": 201', '"statusCode": 202'))
    template = copied.root / "template.yaml"
    template.write_text(template.read_text().replace("Path: /secured", "Path: /guarded"))

    copied.start()

    table = copied.outputs()["TableName"]
    assert "updated" == copied.state()["report"]["outcome"]
    assert [] == copied.state()["report"]["differences"]
    assert 202 == copied.request("POST", "/probe/bytes", b"x").status
    assert 404 == copied.get("/secured").status
    assert 401 == copied.get("/guarded").status
    assert item == copied.client("dynamodb").get_item(TableName=table, Key=item)["Item"]


def test_a_template_with_what_the_emulator_lacks_says_so_and_runs(copied: Stack) -> None:
    """An unsupported resource is left out loudly, the rest stands."""
    template = copied.root / "template.yaml"
    extra = "Resources:\n  Odd:\n    Type: AWS::GameLift::Fleet\n    Properties: {Name: odd}\n"
    template.write_text(template.read_text().replace("Resources:\n", extra))

    copied.start()

    assert ["AWS::GameLift::Fleet (template.yaml:Odd)"] == copied.state()["report"]["unsupported"]
    assert "NOT SUPPORTED by the emulator, left out: AWS::GameLift::Fleet" in copied.printed()
    assert 200 == copied.get("/probe/echo").status


def test_a_broken_template_stops_the_start_with_its_reason(copied: Stack) -> None:
    """What the transform refuses is said in one message, and nothing stays behind."""
    template = copied.root / "template.yaml"
    template.write_text(template.read_text().replace("Handler: handler.handler", ""))

    copied.launch()

    assert 1 == copied.wait()
    assert "The stack does not run: the SAM transform refuses template.yaml" in copied.printed()
    assert "Traceback" not in copied.printed()
    assert not (copied.data_dir / "processes.json").exists()


def _api(stack: Stack) -> str:
    found: str = stack.client("apigatewayv2").get_apis()["Items"][0]["ApiId"]
    return found


def _entry(number: int, *, delay: int) -> dict[str, Any]:
    body = {"kind": "delayed", "n": number, "due": time.time() + delay}
    return {"Id": str(number), "DelaySeconds": delay, "MessageBody": json.dumps(body)}


def _messages(stack: Stack, kind: str, *, wanted: int = 0) -> list[dict[str, Any]]:
    lines = [line for line in stack.logs("probe") if line.get("kind") == kind]
    return lines if len(lines) >= wanted else []


def _receive(queue: Any, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = queue.receive_message(QueueUrl=url).get("Messages", [])
    return found


def _at_once(count: int, work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _eventually(read: Callable[[], list[Any]]) -> list[Any]:
    deadline = time.monotonic() + 20
    while not (found := read()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def _read_answer(reader: Any) -> bytes:
    length = 0
    while (line := reader.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    data: bytes = reader.read(length)
    return data
