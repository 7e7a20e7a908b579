"""Who may send mail, through what, and who hears of bounces."""

import json
from pathlib import Path
from typing import Any

import pytest

from nightshift.core.environment import load as load_settings
from nightshift.email.events import verdicts
from nightshift.email.settings import MailSettings
from tests.unit.template.cfn import ROOT, Stack, deployed, load
from tests.unit.template.shape import ROLE, functions, role_of, variables

HERE = "us-east-1:123456789012"
BY_SES = {"MailFrom": "nightshift@example.com", "MailIdentity": "example.com"}
BY_SMTP = {
    "MailFrom": "nightshift@example.com",
    "MailProvider": "smtp",
    "SmtpHost": "mail.example.com",
    "SmtpUser": "nightshift",
    "SmtpPasswordParam": "/mail/password",
}


def statements(stack: Stack, word: str) -> dict[str, list[dict[str, Any]]]:
    """What the roles say of something, by role."""
    found = {}
    for symbol, role in stack.of_type(ROLE).items():
        said = [
            one
            for policy in role["Policies"]
            for one in policy["PolicyDocument"]["Statement"]
            if word in json.dumps(one)
        ]
        if said:
            found[symbol] = said
    return found


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_without_an_address_mail_is_kept(stage: str) -> None:
    """Nobody may send, and the settings say so."""
    stack = deployed(stage)
    known = load_settings(MailSettings, variables(functions(stack)["worker_default"]))
    assert ("noop", {}) == (known.mail_provider, statements(stack, "ses:Send"))
    assert not stack.of_type("AWS::SES::ConfigurationSet")


def test_one_function_sends_by_ses_from_one_identity() -> None:
    """The worker of the queue `default`, as the verified identity, with our configuration set."""
    stack = deployed("prod", **BY_SES)
    worker = functions(stack)["worker_default"]
    found = statements(stack, "ses:")
    assert [worker["Role"].replace(".Arn", "")] == list(found)
    ((one,),) = found.values()
    assert ["ses:SendEmail", "ses:SendRawEmail"] == one["Action"]
    assert [
        f"arn:aws:ses:{HERE}:identity/example.com",
        f"arn:aws:ses:{HERE}:configuration-set/nightshift-prod",
    ] == one["Resource"]
    known = load_settings(MailSettings, variables(worker))
    assert ("ses", "nightshift-prod") == (known.mail_provider, known.mail_configuration_set)


def test_smtp_takes_its_password_and_nothing_of_ses() -> None:
    """The one parameter, for the one function."""
    stack = deployed("prod", **BY_SMTP)
    assert {} == statements(stack, "ses:")
    found = statements(stack, "parameter/mail/password")
    role = role_of(stack, functions(stack)["worker_default"])
    assert [role] == [stack.of_type(ROLE)[symbol] for symbol in found]
    assert (
        "smtp"
        == load_settings(MailSettings, variables(functions(stack)["worker_default"])).mail_provider
    )


@pytest.mark.parametrize(
    ("parameters", "holds"),
    [
        ({}, True),
        (BY_SES, True),
        (BY_SMTP, True),
        ({"MailFrom": "a@example.com"}, False),
        ({"MailFrom": "a@example.com", "MailProvider": "smtp"}, False),
        ({"MailFrom": "a@example.com", "MailProvider": "noop"}, True),
    ],
)
def test_mail_without_its_places_is_not_deployed(
    parameters: dict[str, str], *, holds: bool
) -> None:
    """CloudFormation refuses it before anything is made."""
    stack = deployed("prod", **parameters)
    rule = load("template.yaml")["Rules"]["MailNeedsItsPlaces"]
    applies = stack.value(rule["RuleCondition"])
    assert holds == (not applies or all(stack.value(a["Assert"]) for a in rule["Assertions"]))


def test_bounces_and_complaints_reach_the_function() -> None:
    """SES publishes them to the default bus, and the rule there wants those of our set alone."""
    stack = deployed("prod", **BY_SES)
    ((destination),) = stack.of_type("AWS::SES::ConfigurationSetEventDestination").values()
    said = destination["EventDestination"]
    assert (True, ["bounce", "complaint"]) == (said["Enabled"], said["MatchingEventTypes"])
    assert {"EventBusArn": f"arn:aws:events:{HERE}:event-bus/default"} == (
        said["EventBridgeDestination"]
    )
    (event,) = functions(stack)["mail_events"]["Events"].values()
    assert "EventBusName" not in event["Properties"]
    pattern = event["Properties"]["Pattern"]
    assert {"ses:configuration-set": ["nightshift-prod"]} == pattern["detail"]["mail"]["tags"]


SAMPLES = sorted((ROOT / "events" / "mail_events").glob("*.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_what_the_rule_lets_through(path: Path) -> None:
    """Source, kind and configuration set fit; all but the soft bounce mean something."""
    sample = json.loads(path.read_text())
    (event,) = functions(deployed("dev"))["mail_events"]["Events"].values()
    pattern = event["Properties"]["Pattern"]
    assert sample["source"] in pattern["source"]
    assert sample["detail-type"] in pattern["detail-type"]
    name = "ses:configuration-set"
    assert pattern["detail"]["mail"]["tags"][name] == sample["detail"]["mail"]["tags"][name]
    assert (path.stem != "soft_bounce") == bool(list(verdicts(sample)))
