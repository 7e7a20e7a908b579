import json
import logging
import re
from typing import Any

import pytest

from nightshift.audit.settings import AuditSettings
from nightshift.cache.settings import CacheSettings, CacheTable
from nightshift.console.settings import ConsoleSettings
from nightshift.core.environment import load as load_settings
from nightshift.email.settings import (
    EmailTable,
    MailKeySettings,
    MailQueueSettings,
    MailSettings,
)
from nightshift.github_stand_in.settings import StandInSettings
from nightshift.http.settings import HttpSettings
from nightshift.identity.oidc.settings import OidcSettings
from nightshift.identity.settings import (
    AccountSettings,
    ApiKeySettings,
    IdentityTable,
    LeavingSettings,
    VerifierSettings,
)
from nightshift.jobs.kinds import MAX_TIMEOUT_S as queue_limits  # noqa: N811 - a mapping
from nightshift.jobs.model import QueueName
from nightshift.jobs.settings import DeadQueueSettings, EngineSettings
from nightshift.memos.settings import MemoSettings, MemosTable
from nightshift.reports.settings import MAX_TIMEOUT_S, GitHubSettings, ReportSettings
from nightshift.settings.settings import SettingsSettings
from nightshift.tasks.settings import TaskSettings
from tests.unit.template.cfn import ROOT, STAGES, Stack, deployed, load
from tests.unit.template.shape import allowed, events, functions, role_of, statements, variables

NAMES = sorted(functions(deployed("local")))
PARAMETERS = "arn:aws:ssm:us-east-1:123456789012:parameter"
BY_SMTP = {
    "MailFrom": "nightshift@example.com",
    "MailProvider": "smtp",
    "SmtpHost": "mail.example.com",
    "SmtpUser": "nightshift",
    "SmtpPasswordParam": "/mail/password",
}
READ = {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}


@pytest.fixture(params=NAMES)
def function(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each function of the local stack, which has them all."""
    return functions(deployed("local"))[request.param]


def test_every_folder_is_a_function() -> None:
    """What lies under functions/ is deployed, and nothing else is."""
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert sorted(folders) == NAMES


def test_runtime(function: dict[str, Any]) -> None:
    """Every function runs on Python 3.13 on arm64, with the one layer and the one handler name."""
    expected = ("python3.13", ["arm64"], "handler.handler", ["<CommonLayer>"])
    keys = ("Runtime", "Architectures", "Handler", "Layers")
    assert expected == tuple(function[key] for key in keys)


def test_tracing_is_on(function: dict[str, Any]) -> None:
    """Every function is traced unless a parameter says otherwise."""
    assert function["Tracing"] == "Active"


def test_no_reserved_concurrency(function: dict[str, Any]) -> None:
    """No function takes concurrency away from the account's others by default."""
    assert "ReservedConcurrentExecutions" not in function


def test_own_log_group(function: dict[str, Any]) -> None:
    """Every function writes to a declared group of its own name, which is not kept for ever."""
    groups = deployed("local").of_type("AWS::Logs::LogGroup")
    group = groups[function["LoggingConfig"]["LogGroup"]]
    assert f"/aws/lambda/{function['FunctionName']}" == group["LogGroupName"]
    assert group["RetentionInDays"] == 30


def test_own_role() -> None:
    """No two functions share a role."""
    roles = [one["Role"] for one in functions(deployed("local")).values()]
    assert len(NAMES) == len(set(roles))


def test_logs_only_to_its_own_group(function: dict[str, Any]) -> None:
    """The role may write to the function's own log group and to no other."""
    resources = {
        resource
        for actions, listed in statements(role_of(deployed("local"), function))
        if any(action.startswith("logs:") for action in actions)
        for resource in listed
    }
    name = function["FunctionName"]
    expected = f"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/{name}:*"
    assert {expected} == resources


@pytest.mark.parametrize("stage", STAGES)
def test_no_stars(stage: str) -> None:
    """No role allows every action or every resource but where AWS knows no resource."""
    for role in deployed(stage).of_type("AWS::IAM::Role").values():
        assert not role.get("ManagedPolicyArns")
        for actions, resources in statements(role):
            assert not any("*" in action for action in actions)
            if actions != {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}:
                assert all(_is_named(resource) for resource in resources), resources


def _is_named(resource: str) -> bool:
    """Tell whether it is one thing; a group's streams and what lies under a prefix are parts."""
    return "*" not in re.sub(r"(:|\.Arn>/[\w/]+/|:parameter/nightshift/\w+/\w+/)\*$", "", resource)


def test_dynamodb_actions_are_those_that_the_code_can_call() -> None:
    """No role allows an operation on tables that the one door to them does not have."""
    source = (ROOT / "layers/common/python/nightshift/aws/dynamo.py").read_text()
    called = set(re.findall(r"_client\.(\w+)", source)) - {"transact_write_items"}
    called |= {"condition_check_item"} if "class ConditionCheck" in source else set()
    names = {"dynamodb:" + "".join(word.title() for word in name.split("_")) for name in called}
    roles = deployed("local").of_type("AWS::IAM::Role").values()
    used = {action for role in roles for actions, _ in statements(role) for action in actions}
    assert names == {action for action in used if action.startswith("dynamodb:")}


@pytest.mark.parametrize("name", NAMES)
def test_environment_and_role_fit(name: str) -> None:
    """A function knows of exactly what it may use, and may use what it knows of."""
    stack = deployed("local")
    function = functions(stack)[name]
    role = role_of(stack, function)
    known = {
        resource
        for variable, value in variables(function).items()
        if variable.startswith("NIGHTSHIFT_") and (resource := _resource(value)) is not None
    }
    known |= {one["Queue"] for one in events(function, "SQS")}
    if name == "secrets":
        known |= {f"{PARAMETERS}/nightshift/local/{one}" for one in SECRETS}
    if name in {"publisher", "sweeper", "dead_letters", "mail_events"}:
        known.add("<Queues/FailedEventsQueue.Arn>")
    usable = {
        re.sub(r"(?<=\.Arn>)/[\w/]+/\*$|(?<=/oidc)/\*$", "", resource)
        for actions, resources in statements(role)
        if not any(action.startswith(("logs:", "xray:")) for action in actions)
        for resource in resources
    }
    assert known == usable


SECRETS = ("token-signing-keys", "token-public-keys", "cursor-key", "sealing-key", "mail-key")


def _resource(value: str) -> str | None:
    if value.startswith("/nightshift/"):
        return PARAMETERS + value
    return f"{value.removesuffix('>')}.Arn>" if value.startswith("<") else None


def test_only_accounts_can_sign() -> None:
    """The private keys can be read by the accounts function alone, and made by secrets."""
    stack = deployed("prod")
    name = f"{PARAMETERS}/nightshift/prod/token-signing-keys"
    readers = {key for key, one in functions(stack).items() if allowed(role_of(stack, one), name)}
    assert {"accounts", "secrets"} == readers


def test_secrets_can_be_kept_in_secrets_manager() -> None:
    """The same functions read the same secrets there; the parameters of before are left to one."""
    before, after = deployed("prod"), deployed("prod", SecretsFrom="secretsmanager", **BY_SMTP)
    managed = PARAMETERS.replace(":ssm:", ":secretsmanager:").replace(":parameter", ":secret:")
    for name, function in functions(before).items():
        old = _readable(before, function)
        new = _readable(after, functions(after)[name])
        moved = {one.replace(PARAMETERS, managed) for one in old}
        expected = {one if one.endswith("/*") else one + "-??????" for one in moved}
        if name == "worker_default":
            expected.add(f"{managed}/mail/password-??????")
        assert expected == {one for one in new if one.startswith(managed)}
        assert (old if name == "secrets" else set()) == new - expected
        said = variables(functions(after)[name])["NIGHTSHIFT_SECRETS_FROM"]
        assert "secretsmanager" == said


def _readable(stack: Stack, function: dict[str, Any]) -> set[str]:
    return {
        resource
        for actions, resources in statements(role_of(stack, function))
        if {"ssm:GetParameter", "secretsmanager:GetSecretValue"} & set(actions)
        for resource in resources
    }


def test_only_accounts_writes_identities() -> None:
    """Others read who somebody is, note that a key was used, and remove what users left."""
    stack = deployed("prod")
    for name, function in functions(stack).items():
        actions = allowed(role_of(stack, function), "<Tables/IdentityTable.Arn>")
        more = {"api": {"dynamodb:UpdateItem"}, "worker_low": {"dynamodb:DeleteItem"}}
        assert name == "accounts" or actions <= READ | more.get(name, set())


def test_the_api_changes_nothing_of_an_identity_but_the_last_use() -> None:
    """The one write that it may do is held to one attribute."""
    role = role_of(deployed("prod"), functions(deployed("prod"))["api"])
    (writing,) = [
        one
        for policy in role["Policies"]
        for one in policy["PolicyDocument"]["Statement"]
        if one["Resource"] == "<Tables/IdentityTable.Arn>"
        and one["Action"] == "dynamodb:UpdateItem"
    ]
    held = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", "last_used_ms"]}}
    assert held == writing["Condition"]


@pytest.mark.parametrize("stage", STAGES)
def test_nobody_changes_the_audit_log(stage: str) -> None:
    """It can be written to and read; no role can change or delete an event."""
    stack = deployed(stage)
    found = {
        name: allowed(role_of(stack, function), "<Tables/AuditTable.Arn>")
        for name, function in functions(stack).items()
    }
    assert {"accounts": {"dynamodb:PutItem", "dynamodb:Query"}} == {
        name: actions for name, actions in found.items() if actions
    }


BACKGROUND = ["publisher", "sweeper", "listener", "worker_default", "dead_letters"]


@pytest.mark.parametrize("name", BACKGROUND)
def test_background_work_deletes_no_task(name: str) -> None:
    """Only a user's request removes a task, or the job that clears up after a deleted user."""
    stack = deployed("prod")
    role = role_of(stack, functions(stack)[name])
    assert "dynamodb:DeleteItem" not in allowed(role, "<Tables/TasksTable.Arn>")


KINDS: list[type] = [
    EngineSettings,
    TaskSettings,
    MemosTable,
    MemoSettings,
    CacheTable,
    CacheSettings,
    ReportSettings,
    MailQueueSettings,
]
"""What a function wants that knows all kinds of jobs."""
MODELS: dict[str, list[type]] = {
    "api": [
        HttpSettings,
        VerifierSettings,
        *KINDS,
        SettingsSettings,
        MailKeySettings,
    ],
    "accounts": [
        HttpSettings,
        VerifierSettings,
        AccountSettings,
        OidcSettings,
        ConsoleSettings,
        ApiKeySettings,
        AuditSettings,
        SettingsSettings,
        EngineSettings,
        MailQueueSettings,
        MailKeySettings,
    ],
    "mail_events": [EmailTable],
    "console": [
        HttpSettings,
        VerifierSettings,
        ConsoleSettings,
        EngineSettings,
        CacheTable,
        CacheSettings,
        ReportSettings,
        GitHubSettings,
    ],
    "publisher": [EngineSettings, TaskSettings],
    "sweeper": KINDS,
    "listener": [EngineSettings, TaskSettings, MailQueueSettings],
    "worker_default": [*KINDS, IdentityTable, MailKeySettings, MailSettings],
    "worker_low": [*KINDS, GitHubSettings, LeavingSettings],
    "dead_letters": [*KINDS, DeadQueueSettings],
}


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("stage", STAGES)
def test_settings_can_be_read(stage: str, name: str) -> None:
    """What a function's settings require, its environment has."""
    environment = variables(functions(deployed(stage))[name])
    for model in MODELS[name]:
        assert load_settings(model, environment)


ENDING = {"api", "sweeper", "listener", "worker_default", "worker_low", "dead_letters"}
"""Who may end a job, and so does what follows: tells of it, and enqueues more."""


@pytest.mark.parametrize(
    ("variable", "users"),
    [
        ("NIGHTSHIFT_CRITICAL_QUEUE_URL", {"publisher"} | ENDING),
        ("NIGHTSHIFT_DEFAULT_QUEUE_URL", {"publisher", "accounts"} | ENDING),
        ("NIGHTSHIFT_LOW_QUEUE_URL", {"publisher", "accounts", "console"} | ENDING),
        ("NIGHTSHIFT_ASSETS_BUCKET", {"accounts", "worker_low"}),
        ("NIGHTSHIFT_BUS_NAME", ENDING),
        ("NIGHTSHIFT_PAYLOADS_BUCKET", {"console"} | ENDING),
        ("NIGHTSHIFT_MEMOS_TABLE", ENDING - {"listener"}),
        ("NIGHTSHIFT_CACHE_TABLE", ({"console"} | ENDING) - {"listener"}),
        ("NIGHTSHIFT_GITHUB_TOKEN_PARAM", {"worker_low"}),
        ("NIGHTSHIFT_GITHUB_API_URL", {"worker_low", "console"}),
        ("NIGHTSHIFT_CARD_GENERATOR", {"worker_default"}),
        ("NIGHTSHIFT_SEALING_KEY_PARAM", {"api", "listener"}),
        ("NIGHTSHIFT_TOKEN_SIGNING_KEYS_PARAM", {"accounts"}),
        ("NIGHTSHIFT_PUBLIC_URL", {"api", "accounts", "console", "worker_default"}),
        ("NIGHTSHIFT_EMAIL_TABLE", {"accounts", "mail_events"} | ENDING),
        ("NIGHTSHIFT_MAIL_KEY_PARAM", {"api", "accounts", "worker_default"}),
        ("NIGHTSHIFT_MAIL_PROVIDER", {"worker_default"}),
    ],
)
def test_who_knows_of_what(variable: str, users: set[str]) -> None:
    """Whoever ends runs can tell of it and queue what follows; secrets are known where used."""
    found = functions(deployed("prod")).items()
    assert users == {name for name, one in found if variable in variables(one)}


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_loopback_is_refused_when_deployed(stage: str) -> None:
    """Webhooks may reach loopback in the local stack alone."""
    for function in functions(deployed(stage)).values():
        assert "NIGHTSHIFT_ALLOW_LOOPBACK" not in variables(function)
    local = functions(deployed("local"))
    allowing = {
        name for name, one in local.items() if "NIGHTSHIFT_ALLOW_LOOPBACK" in variables(one)
    }
    assert {"api", "listener"} == allowing


def test_log_level_is_one_that_logging_knows() -> None:
    """Each value of the parameter is a level."""
    levels = load("template.yaml")["Parameters"]["LogLevel"]["AllowedValues"]
    assert set(levels) <= set(logging.getLevelNamesMapping())


def test_sample_environment_is_whole() -> None:
    """`sam local invoke -n events/env.json` fills in each variable of each function, no others."""
    sample = json.loads((ROOT / "events/env.json").read_text())
    for symbol, one in deployed("local").of_type("AWS::Serverless::Function").items():
        name = one["CodeUri"].removeprefix("functions/")
        expected = variables(functions(deployed("local"))[name])
        assert expected.keys() == sample[symbol.strip("<>")].keys()
    assert len(NAMES) == len(sample)


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_github_itself_is_asked_when_deployed(stage: str) -> None:
    """The stand-in is the local stack's alone."""
    environment = variables(functions(deployed(stage))["worker_low"])
    assert GitHubSettings().github_api_url == environment["NIGHTSHIFT_GITHUB_API_URL"]
    assert "github_stand_in" not in functions(deployed(stage))


def test_the_local_stack_asks_the_stand_in() -> None:
    """At the address that the stand-in gives for its own."""
    found = functions(deployed("local", PublicUrl="http://127.0.0.1:8787"))
    stand_in = load_settings(StandInSettings, variables(found["github_stand_in"]))
    asked = variables(found["worker_low"])["NIGHTSHIFT_GITHUB_API_URL"]
    assert f"{stand_in.public_url}/dev/github" == asked


def test_an_attempt_to_make_a_report_has_the_time_that_its_function_has() -> None:
    """The setting's bound is what the queue's function leaves an attempt."""
    assert MAX_TIMEOUT_S == queue_limits[QueueName.LOW]
