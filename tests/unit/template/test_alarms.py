import re
from typing import Any

import pytest

from tests.unit.template.cfn import ROOT, deployed
from tests.unit.template.shape import ALARM, events, functions, variables

FREE_METRICS = 10
PAID_METRICS = 2
"""The ages of three queues are three metrics of one alarm."""
WORKERS = ("listener", "worker_default", "worker_low")
BY_KIND = ("JobsCompleted", "JobsFailed", "JobMs")
"""What workers write by kind and queue."""
METRICS = {
    "RunLatenessMs": ["listener"],
    "RunsDelivered": ["listener"],
    "RunsFailed": ["listener"],
    "DeadLetters": ["dead_letters"],
    "TickLagSeconds": ["publisher"],
    "RunsRescued": ["sweeper"],
}
"""Which functions write which metric."""


def alarms(stage: str = "prod") -> dict[str, dict[str, Any]]:
    return {one["AlarmName"]: one for one in deployed(stage).of_type(ALARM).values()}


def watched(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm looks at: one, or several by an expression."""
    if "Metrics" not in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]


def dimensions(metric: dict[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in metric.get("Dimensions", [])}


def service(name: str) -> str:
    """The service dimension of the metrics that the function of that name writes."""
    return variables(functions(deployed("prod"))[name])["POWERTOOLS_SERVICE_NAME"]


def test_the_alarms_cost_what_the_budget_counts() -> None:
    """Metrics are what is paid for; there are no more of them, and none of the dearer kinds."""
    assert len(alarms()) <= FREE_METRICS
    found = [metric for alarm in alarms().values() for metric in watched(alarm)]
    assert FREE_METRICS + PAID_METRICS == len(found)
    for alarm in alarms().values():
        stats = [one["MetricStat"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
        assert all(one["Period"] >= 60 for one in stats or [alarm])


def test_what_is_watched() -> None:
    """Each way that the product fails its promise has an alarm."""
    found = {
        (one["Namespace"], one["MetricName"])
        for alarm in alarms().values()
        for one in watched(alarm)
    }
    assert found == {
        ("Nightshift", "DeadLetters"),
        ("Nightshift", "RunLatenessMs"),
        ("Nightshift", "TickLagSeconds"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Invocations"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/ApiGateway", "5xx"),
    }


def test_own_metrics_are_looked_for_where_they_are_written() -> None:
    """An alarm on a metric of ours names a service whose function writes it."""
    for alarm in alarms().values():
        for metric in watched(alarm):
            if metric["Namespace"] == "Nightshift":
                writers = [service(name) for name in METRICS[metric["MetricName"]]]
                assert dimensions(metric)["service"] in writers


def test_function_names_exist() -> None:
    """An alarm on a function names one that is there."""
    names = {one["FunctionName"] for one in functions(deployed("prod")).values()}
    found = {dimensions(one).get("FunctionName") for one in alarms().values()} - {None}
    assert found <= names
    assert len(found) == 3


SILENT = ["ticks-missing", "sweeper-silent", "dead-letters-stuck"]


@pytest.mark.parametrize("name", SILENT)
def test_silence_is_an_alarm(name: str) -> None:
    """Ticks that do not come at all are noticed too."""
    assert alarms()[f"nightshift-prod-{name}"]["TreatMissingData"] == "breaching"


def test_only_silence_of_ticks_is_an_alarm() -> None:
    """With nothing to do, no other alarm goes off."""
    quiet = [one for one in alarms().values() if one["TreatMissingData"] == "notBreaching"]
    assert len(alarms()) - len(SILENT) == len(quiet)


def test_a_job_that_waits_as_long_as_it_was_told_to_is_no_alarm() -> None:
    """The threshold on the queues' age is above the longest delay that SQS can have."""
    alarm = alarms()["nightshift-prod-jobs-waiting"]
    assert alarm["Threshold"] > 900


def test_the_age_of_every_queue_of_work_is_watched() -> None:
    """Each queue that a function takes jobs from is in the expression."""
    alarm = alarms()["nightshift-prod-jobs-waiting"]
    sources = {
        one["Queue"].replace(".Arn", ".QueueName")
        for function in functions(deployed("prod")).values()
        for one in events(function, "SQS")
    }
    assert sources == {dimensions(one)["QueueName"] for one in watched(alarm)}
    (expression,) = [one["Expression"] for one in alarm["Metrics"] if one["ReturnData"]]
    for one in alarm["Metrics"]:
        assert one["ReturnData"] or f"FILL({one['Id']}, 0)" in expression


def test_every_alarm_tells_somebody() -> None:
    """Alarms go to the one topic, and so does their end."""
    for alarm in alarms().values():
        assert ["<Alarms/Topic>"] == alarm["AlarmActions"] == alarm["OKActions"]


def test_mail_is_subscribed_when_named() -> None:
    """Naming an address subscribes it; naming none subscribes nobody."""
    kind = "AWS::SNS::Subscription"
    assert not deployed("prod").of_type(kind)
    (one,) = deployed("prod", AlarmMail="ops@example.com").of_type(kind).values()
    assert (one["Protocol"], one["Endpoint"]) == ("email", "ops@example.com")


def test_the_runbook_has_a_section_for_each_alarm() -> None:
    """Whoever is woken finds what it means, where to look and what to do."""
    text = (ROOT / "docs/runbook.md").read_text()
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    expected = {name.removeprefix("nightshift-prod-") for name in alarms()}
    assert expected == sections.keys()
    for body in sections.values():
        for part in ("**Means.**", "**Look.**", "**Do.**"):
            assert part in body


def test_the_runbook_names_actions_that_are_logged() -> None:
    """Whoever filters the logs as the runbook says finds something."""
    named = set(re.findall(r"action\s+`([\w.]+)`", (ROOT / "docs/runbook.md").read_text()))
    package = ROOT / "layers/common/python/nightshift"
    code = "".join(path.read_text() for path in package.rglob("*.py"))
    assert len(named) >= 5
    assert not [action for action in named if f'"{action}"' not in code]


def drawn() -> list[list[Any]]:
    """Every line of the dashboard."""
    (board,) = deployed("prod").of_type("AWS::CloudWatch::Dashboard").values()
    widgets = board["DashboardBody"]["widgets"]
    return [metric for widget in widgets for metric in widget["properties"]["metrics"]]


def test_the_dashboard_shows_every_metric_of_ours() -> None:
    """Each business outcome is drawn, under each service that writes it."""
    written = {(name, service(one)) for name, writers in METRICS.items() for one in writers}
    assert written == {(one[1], one[3]) for one in drawn() if one[0] == "Nightshift"}


@pytest.mark.parametrize("name", BY_KIND)
def test_the_dashboard_finds_the_metrics_of_kinds_to_come(name: str) -> None:
    """Jobs are drawn by whatever kinds there are, of this stage's workers alone."""
    searches = [one[0]["expression"] for one in drawn() if isinstance(one[0], dict)]
    (found,) = [one for one in searches if f'MetricName="{name}"' in one]
    assert found.startswith("SEARCH('{Nightshift,Kind,Queue,service} ")
    for worker in WORKERS:
        assert f'"{service(worker)}"' in found


def test_metrics_are_those_that_the_code_writes() -> None:
    """A name that nobody writes would stay empty for ever."""
    package = ROOT / "layers/common/python/nightshift/jobs"
    code = "".join(path.read_text() for path in package.glob("*.py"))
    assert not [name for name in [*METRICS, *BY_KIND] if f'"{name}"' not in code]


def test_the_dashboard_can_be_left_out() -> None:
    """Whoever has used up the free dashboards need not pay for this one."""
    kind = "AWS::CloudWatch::Dashboard"
    assert not deployed("prod", WithDashboard="no").of_type(kind)


def test_the_local_stack_alarms_nobody() -> None:
    """On a laptop there is nobody to wake."""
    assert not alarms("local")
