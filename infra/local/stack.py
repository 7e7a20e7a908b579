"""The running stack: emulator, functions and front, started together and ended together."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infra.local.clients import client
from infra.local.deploy import Deployed, deploy, standing
from infra.local.emulator_process import Emulator
from infra.local.facts import declared, differences
from infra.local.front import Front, Target
from infra.local.functions.host import FunctionHost
from infra.local.functions.pool import InitError, LogLine, Outcome
from infra.local.http1 import port_of, serve
from infra.local.invocations import invocation_door, spec_finder
from infra.local.mend import mend
from infra.local.observed import observed
from infra.local.processes import ProcessRecord
from infra.local.settings import LocalSettings
from infra.local.template import Prepared, prepare

_LOOPBACK = "127.0.0.1"
_CUSTOM = "Custom::"


class StackError(Exception):
    """The stack cannot be started; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How the deployment went: what was done, mended, left out, and what still differs."""

    outcome: str
    mended: list[str]
    unsupported: list[str]
    differences: list[str]
    resources: int


@dataclass(kw_only=True, slots=True)
class Watchers:
    """Who is told of what happens; by default nobody is."""

    on_log: Callable[[LogLine], None] = field(default=lambda _line: None)
    on_outcome: Callable[[str, Outcome], None] = field(default=lambda _name, _outcome: None)


class LocalStack:
    """Everything that runs for one data directory."""

    def __init__(
        self, root: Path, settings: LocalSettings, *, python: Path, watchers: Watchers
    ) -> None:
        self._root = root
        self._settings = settings
        self._record = ProcessRecord(settings.data_dir / "processes.json")
        self._python = python
        self._watchers = watchers
        self._servers: list[asyncio.Server] = []
        self._host: FunctionHost | None = None
        self._recorded: list[int] = []
        self._report: Report | None = None
        self._warming: asyncio.Task[None] | None = None
        self.target = Target()
        self.emulator: Emulator | None = None
        self.stacks: dict[str, Deployed] = {}
        self.orphans = 0

    @property
    def base_url(self) -> str:
        """The front's address."""
        return f"http://{_LOOPBACK}:{self._settings.port}"

    @property
    def logs(self) -> Path:
        """Where the emulator's and the functions' output goes."""
        return self._settings.data_dir / "logs"

    def state(self) -> dict[str, object]:
        """Return what there is to know from outside: addresses, processes, the start's report."""
        return {
            "ready": self._report is not None,
            "endpoint": self.emulator.endpoint if self.emulator else None,
            "emulator_pid": self.emulator.pid if self.emulator else None,
            "workers": self._host.workers() if self._host else {},
            "logs": str(self.logs),
            "report": asdict(self._report) if self._report else None,
        }

    async def start(self) -> Report:
        """Start everything and deploy the template.

        Raises:
            StackError: the port or the data directory is taken.
            EmulatorError, TemplateError, DeployError: see there.
        """
        self._claim_data_dir()
        await self._listen(Front(self.target).handle, self._settings.port)
        preparing = asyncio.create_task(asyncio.to_thread(self._prepare))
        emulator = await self._start_emulator()
        self._keep_record()
        await emulator.wait_until_ready()
        self.target.port = emulator.port
        prepared = await preparing
        unsupported = await self._drop_unsupported(prepared, emulator)
        report = await asyncio.to_thread(self._deploy, prepared, unsupported)
        if self._host is not None:
            await self._host.forget()
        self._find_apis(prepared)
        self._report = report
        self._warming = asyncio.create_task(self._warm())
        return report

    async def _warm(self) -> None:
        """Import the handlers now, so that the first call of each does not wait for that."""
        for name in function_names(self.stacks):
            if self._host is not None:
                with contextlib.suppress(InitError, LookupError):
                    await self._host.pool(name)
                self._keep_record()

    async def stop(self) -> None:
        """End everything; the emulator saves its state."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        for server in self._servers:
            server.close()
        if self._host is not None:
            await self._host.close()
        if self.emulator is not None:
            await self.emulator.stop()
        self._record.clear()

    @property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of the root stack as it stands."""
        return self.stacks["template.yaml"].outputs

    def client(self, service: str) -> Any:  # noqa: ANN401 - a boto3 client
        """Return a client of the emulator's `service`."""
        return self._client(service)

    def compare(self) -> list[str]:
        """Return what differs now between the template and what stands."""
        return differences(declared(self.stacks), observed(self.stacks, self._client))

    def _claim_data_dir(self) -> None:
        # What is kept here signs people in; it is nobody else's business.
        try:
            self._settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            directory = self._settings.data_dir
            raise StackError(f"NIGHTSHIFT_DATA_DIR={directory} cannot be used: {error}") from error
        holder = self._record.running_runner()
        if holder is not None:
            directory = self._settings.data_dir
            raise StackError(f"{directory} is in use by the stack of process {holder}")
        self.orphans = self._record.end_orphans(grace_s=10.0)

    async def _listen(self, handler: Callable[[Any], Any], port: int) -> asyncio.Server:
        try:
            server = await serve(handler, _LOOPBACK, port)
        except OSError as error:
            raise StackError(
                f"port {port} is taken; set PORT to a free one, for example PORT={port + 1}"
            ) from error
        self._servers.append(server)
        return server

    async def _start_emulator(self) -> Emulator:
        endpoint_known: list[str] = []

        async def find_spec(name: str) -> Any:  # noqa: ANN401 - a FunctionSpec
            find = spec_finder(
                root=self._root,
                python=self._python,
                endpoint=endpoint_known[0],
                functions=self._settings.functions,
            )
            return await find(name)

        self._host = FunctionHost(
            find_spec=find_spec,
            on_log=self._on_log,
            max_workers=self._settings.workers,
        )
        door = await self._listen(invocation_door(self._host, self._on_outcome), 0)
        self.emulator = Emulator(
            data_dir=self._settings.data_dir,
            log=self.logs / "emulator.log",
            function_host=f"http://{_LOOPBACK}:{port_of(door)}",
        )
        await self.emulator.start()
        endpoint_known.append(self.emulator.endpoint)
        return self.emulator

    def _prepare(self) -> Prepared:
        return prepare(self._root, {"Stage": "local", "PublicUrl": self.base_url})

    async def _drop_unsupported(self, prepared: Prepared, emulator: Emulator) -> list[str]:
        supported = set(await emulator.get("/_nightshift/resource-types"))
        dropped = []
        for kind, places in prepared.resource_types().items():
            if kind in supported or kind.startswith(_CUSTOM):
                continue
            for place in places:
                file, _, logical_id = place.partition(":")
                template = prepared.root if file == "template.yaml" else prepared.nested[file]
                del template["Resources"][logical_id]
                dropped.append(f"{kind} ({place})")
        return dropped

    def _deploy(self, prepared: Prepared, unsupported: list[str]) -> Report:
        endpoint = self._endpoint()
        outcome = deploy(prepared, self._client, endpoint)
        self.stacks = standing(prepared, self._client)
        wanted = declared(self.stacks)
        mended = mend(self.stacks, wanted, observed(self.stacks, self._client), self._client)
        return Report(
            outcome=outcome,
            mended=mended,
            unsupported=unsupported,
            differences=self.compare(),
            resources=sum(len(stack.resources) for stack in self.stacks.values()),
        )

    def _find_apis(self, prepared: Prepared) -> None:
        root = self.stacks["template.yaml"]
        for logical_id, resource in prepared.root["Resources"].items():
            physical = root.resources[logical_id]
            if resource["Type"] == "AWS::ApiGatewayV2::Stage":
                self._on_stage(root, resource, physical)

    def _on_stage(self, root: Deployed, resource: dict[str, Any], stage: str) -> None:
        api = resource["Properties"]["ApiId"]["Ref"]
        protocol = root.template["Resources"][api]["Properties"].get("ProtocolType")
        if protocol == "WEBSOCKET":
            self.target.websocket_api = root.resources[api]
            self.target.websocket_stage = stage
        else:
            self.target.http_api = root.resources[api]

    def _client(self, service: str) -> Any:  # noqa: ANN401 - a boto3 client
        return client(service, self._endpoint())

    def _endpoint(self) -> str:
        if self.emulator is None:
            raise StackError("the emulator has not been started")
        return self.emulator.endpoint

    def _keep_record(self) -> None:
        groups = self._host.process_groups() if self._host else []
        if self.emulator is not None:
            groups.append(self.emulator.pid)
        if groups != self._recorded:
            self._recorded = groups
            self._record.write(groups)

    def _on_outcome(self, name: str, outcome: Outcome) -> None:
        self._keep_record()
        self._watchers.on_outcome(name, outcome)

    def _on_log(self, line: LogLine) -> None:
        with contextlib.suppress(OSError), (self.logs / f"{line.function}.log").open("a") as file:
            file.write(line.text + "\n")
        self._watchers.on_log(line)


def function_names(stacks: Mapping[str, Deployed]) -> list[str]:
    """Return the names of all functions that stand."""
    return [
        stack.resources[logical_id]
        for stack in stacks.values()
        for logical_id, resource in stack.template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    ]
