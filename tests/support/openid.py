"""A real OpenID provider: the process of `oidc-provider-mock` on a port of its own."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import parse_qsl, urlencode, urlsplit

TIMEOUT_S = 20.0
STEP_S = 0.05


@dataclass(frozen=True, kw_only=True)
class OpenIdProcess:
    """A provider that listens on loopback; `issuer` is its name."""

    port: int

    @property
    def issuer(self) -> str:
        """The issuer, as its tokens have it."""
        return f"http://127.0.0.1:{self.port}"

    def know(self, subject: str, claims: Mapping[str, object]) -> None:
        """Make the provider know somebody."""
        status, _ = self._call("PUT", f"/users/{subject}", json.dumps(claims), "application/json")
        assert status == 204

    def authorize(self, url: str, subject: str | None) -> Mapping[str, str]:
        """Do what a browser does at the provider: sign in there, or refuse (None).

        Returns the parameters that the browser is sent back with.
        """
        place = urlsplit(url)
        assert place.netloc == f"127.0.0.1:{self.port}"
        form = urlencode({"sub": subject} if subject else {"action": "deny"})
        target = f"{place.path}?{place.query}"
        _, back = self._call("POST", target, form, "application/x-www-form-urlencoded")
        return dict(parse_qsl(urlsplit(back).query))

    def _call(self, method: str, target: str, body: str, content_type: str) -> tuple[int, str]:
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)) as line:
            line.request(method, target, body=body, headers={"content-type": content_type})
            answer = line.getresponse()
            answer.read()
            return answer.status, answer.headers.get("location", "")


@contextlib.contextmanager
def openid_process(port: int = 0) -> Iterator[OpenIdProcess]:
    """Run a provider for as long as the context lasts; it has keys of its own, on a free port."""
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(  # noqa: S603 - this interpreter, on our own words
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait(port, process)
            yield OpenIdProcess(port=port)
        finally:
            process.terminate()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(int(TIMEOUT_S / STEP_S)):
        if process.poll() is not None:
            raise RuntimeError("the provider did not start")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(STEP_S)
    raise RuntimeError("the provider does not listen")
