"""How a call fails, inside this package."""

from nightshift.ports.sender import Outcome


class CallFailedError(Exception):
    """A call ended without a whole answer; never leaves the sender."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
