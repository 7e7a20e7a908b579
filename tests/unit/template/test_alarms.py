import re
from typing import Any

import pytest

from tests.unit.template.cfn import ROOT, deployed
from tests.unit.template.shape import ALARM, functions, variables

FREE_ALARMS = 10
METRICS = {
    "RunLatenessMs": "listener",
    "RunsDelivered": "listener",
    "RunsFailed": "listener",
    "DeadLetters": "dead_letters",
    "TickLagSeconds": "publisher",
    "RunsRescued": "sweeper",
}
"""Which function writes which metric."""


def alarms(stage: str = "prod") -> dict[str, dict[str, Any]]:
    return {one["AlarmName"]: one for one in deployed(stage).of_type(ALARM).values()}


def dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in alarm.get("Dimensions", [])}


def service(name: str) -> str:
    """The service dimension of the metrics that the function of that name writes."""
    return variables(functions(deployed("prod"))[name])["POWERTOOLS_SERVICE_NAME"]


def test_the_free_alarms_suffice() -> None:
    """There are no more alarms than an account has free, and none of the dearer kinds."""
    assert len(alarms()) <= FREE_ALARMS
    for alarm in alarms().values():
        assert "Metrics" not in alarm
        assert alarm["Period"] >= 60


def test_what_is_watched() -> None:
    """Each way that the product fails its promise has an alarm."""
    watched = {(one["Namespace"], one["MetricName"]) for one in alarms().values()}
    assert watched == {
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
    """An alarm on a metric of ours names the service that its function writes under."""
    for alarm in alarms().values():
        if alarm["Namespace"] == "Nightshift":
            expected = {"service": service(METRICS[alarm["MetricName"]])}
            assert expected == dimensions(alarm)


def test_function_names_exist() -> None:
    """An alarm on a function names one that is there."""
    names = {one["FunctionName"] for one in functions(deployed("prod")).values()}
    watched = {dimensions(one).get("FunctionName") for one in alarms().values()} - {None}
    assert watched <= names
    assert len(watched) == 2


@pytest.mark.parametrize("name", ["ticks-missing", "sweeper-silent"])
def test_silence_is_an_alarm(name: str) -> None:
    """Ticks that do not come at all are noticed too."""
    assert alarms()[f"nightshift-prod-{name}"]["TreatMissingData"] == "breaching"


def test_only_silence_of_ticks_is_an_alarm() -> None:
    """With nothing to do, no other alarm goes off."""
    quiet = [one for one in alarms().values() if one["TreatMissingData"] == "notBreaching"]
    assert len(alarms()) - 2 == len(quiet)


def test_a_run_that_waits_as_long_as_it_was_told_to_is_no_alarm() -> None:
    """The threshold on the queue's age is above the longest delay that SQS can have."""
    alarm = alarms()["nightshift-prod-runs-waiting"]
    assert alarm["Threshold"] > 900


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


def test_the_dashboard_shows_every_metric_of_ours() -> None:
    """Each business outcome is drawn, under the service that writes it."""
    (board,) = deployed("prod").of_type("AWS::CloudWatch::Dashboard").values()
    drawn = {
        (metric[1], metric[3])
        for widget in board["DashboardBody"]["widgets"]
        for metric in widget["properties"]["metrics"]
        if metric[0] == "Nightshift"
    }
    assert {(name, service(function)) for name, function in METRICS.items()} == drawn


def test_the_dashboard_can_be_left_out() -> None:
    """Whoever has used up the free dashboards need not pay for this one."""
    kind = "AWS::CloudWatch::Dashboard"
    assert not deployed("prod", WithDashboard="no").of_type(kind)


def test_the_local_stack_alarms_nobody() -> None:
    """On a laptop there is nobody to wake."""
    assert not alarms("local")
