"""Init time of the functions, as ratios to the least that any function of this kind pays.

`python -m tests.load.bench_init [rounds]` starts a fresh interpreter for each measurement, all
functions in turn in each round, and prints medians. The base is the import of Powertools' Logger
and boto3, one Logger and one DynamoDB client; a function is the import of its handler with the
environment that the template gives it, and the DynamoDB client that its first event asks for.
"ready" rows add what the first event imports and makes besides, so that nothing hides by being
lazy; they have no budget. The interpreter's own start is in none. What counts is CPU time, which a
busy machine distorts least; wall time stands beside it. Ends with 1 when a budget is missed.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
LAYER: Final = ROOT / "layers" / "common" / "python"
ROUNDS: Final = 15
BUDGETS: Final = {"api": 1.6, "console": 2.0, "listener": 1.1}
FUNCTIONS: Final = (
    "api",
    "accounts",
    "console",
    "listener",
    "worker_default",
    "worker_low",
    "publisher",
    "sweeper",
    "dead_letters",
)
PLACEHOLDER: Final = "bench"

_TIMED = """
import time
started = time.perf_counter()
spent = time.process_time()
{code}
print(time.process_time() - spent, time.perf_counter() - started)
"""

_BASE = """
from aws_lambda_powertools import Logger
import boto3
Logger()
boto3.client("dynamodb")
"""

_FUNCTION = """
import handler
from nightshift.aws.clients import dynamodb
dynamodb()
"""


_READY: Final = {
    "console": """
from nightshift.reports.wiring import get_context
get_context().reports
from nightshift.console.rendering import environment
environment().get_template("report.html")
""",
    "accounts": """
import nightshift.console.account.wiring
from nightshift.console.rendering import environment
environment().get_template("login.html")
""",
    "publisher": """
from nightshift.tasks.wiring import get_context
get_context().ticker
""",
    "listener": """
from nightshift.tasks.wiring import get_context
get_context()
from nightshift.outbound.sender import HttpSender
HttpSender()
""",
    "worker_default": """
from nightshift.work_wiring import get_machine
get_machine()
from nightshift.memos.generators.rules import RulesGenerator
RulesGenerator()
""",
}

_NO_VALUE: Final = {"Ref": "AWS::NoValue"}

Times = tuple[float, float]
"""CPU and wall seconds."""


class _Template(yaml.SafeLoader):
    """Reads a template; what only a deployment knows becomes a placeholder."""


def _intrinsic(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> object:
    if tag == "Ref" and isinstance(node, yaml.ScalarNode):
        return {"Ref": loader.construct_scalar(node)}
    if tag == "If" and isinstance(node, yaml.SequenceNode):
        condition, yes, no = loader.construct_sequence(node, deep=True)
        return yes if condition == "IsDeployed" else no
    return PLACEHOLDER


_Template.add_multi_constructor("!", _intrinsic)


def environments() -> dict[str, dict[str, str]]:
    """Return what the template sets in the environment of each function, by its folder's name."""
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    template: dict[str, Any] = yaml.load(text, _Template)  # noqa: S506 - a SafeLoader underneath
    defaults = {name: spec.get("Default") for name, spec in template["Parameters"].items()}
    common = _variables(template["Globals"]["Function"], defaults)
    return {
        Path(spec["Properties"]["CodeUri"]).name: common | _variables(spec["Properties"], defaults)
        for spec in template["Resources"].values()
        if spec["Type"] == "AWS::Serverless::Function"
    }


def _variables(properties: Mapping[str, Any], defaults: Mapping[str, object]) -> dict[str, str]:
    given = properties.get("Environment", {}).get("Variables", {})
    return {name: _value(value, defaults) for name, value in given.items() if value != _NO_VALUE}


def _value(value: object, defaults: Mapping[str, object]) -> str:
    if isinstance(value, dict):
        return str(defaults.get(str(value.get("Ref")), PLACEHOLDER))
    return str(value)


def _seconds(code: str, folder: Path | None, environ: Mapping[str, str]) -> Times:
    """Return what `code` took in a fresh interpreter with `environ` alone."""
    path = [str(LAYER), *([str(folder)] if folder else [])]
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", _TIMED.format(code=code)],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(path),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": PLACEHOLDER,
            "AWS_SECRET_ACCESS_KEY": PLACEHOLDER,
            "POWERTOOLS_SERVICE_NAME": PLACEHOLDER,
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
    spent, took = done.stdout.splitlines()[-1].split()
    return float(spent), float(took)


def measure(rounds: int) -> dict[str, Times | str]:
    """Return the medians of the base and of each function, or why one did not start."""
    environ = environments()
    cases: dict[str, tuple[str, Path | None, Mapping[str, str]]] = {"base": (_BASE, None, {})}
    for name in FUNCTIONS:
        folder, env = ROOT / "functions" / name, environ.get(name, {})
        cases[name] = (_FUNCTION, folder, env)
        if name in _READY:
            cases[f"{name} ready"] = (_FUNCTION + _READY[name], folder, env)
    failed: dict[str, str] = {}
    times: dict[str, list[Times]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            if name in failed:
                continue
            try:
                took = _seconds(*case)
            except RuntimeError as error:
                failed[name] = str(error)
                continue
            if number:  # The first round writes the byte code and warms the disk cache.
                times[name].append(took)
    return {name: failed.get(name) or _medians(times[name]) for name in cases}


def _medians(times: list[Times]) -> Times:
    spent, took = zip(*times, strict=True)
    return statistics.median(spent), statistics.median(took)


def shown(found: Mapping[str, Times | str]) -> str:
    """Return the measurements as a table; ratios are of CPU, which other work disturbs less."""
    base = found["base"]
    lines = [
        "init, medians of fresh interpreters",
        f"{'':18}{'CPU ms':>8}{'wall ms':>9}{'ratio':>8}{'budget':>9}",
    ]
    for name, took in found.items():
        if isinstance(took, str) or isinstance(base, str):
            lines.append(f"{name:18}does not start: {took}")
            continue
        budget = f"{BUDGETS[name]:7.1f} x" if name in BUDGETS else ""
        figures = f"{took[0] * 1000:8.1f}{took[1] * 1000:9.1f}{took[0] / base[0]:7.2f}x"
        lines.append(f"{name:18}{figures}{budget}")
    return "\n".join(lines)


def missed(found: Mapping[str, Times | str]) -> list[str]:
    """Return the functions that do not start or are over their budgets."""
    base = found["base"]
    return [
        name
        for name, took in found.items()
        if isinstance(took, str)
        or isinstance(base, str)
        or took[0] / base[0] > BUDGETS.get(name, float("inf"))
    ]


def main() -> int:
    """Measure, print the table, and return the exit status."""
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
    print(shown(found))
    return int(bool(missed(found)))


if __name__ == "__main__":
    raise SystemExit(main())
