"""Mail kept in memory; for tests."""

from collections.abc import Callable

from nightshift.ports.mail import OutgoingMail


class MemoryMail:
    """Keeps mails in order; `fault` may raise what a deliverer would, before or after the taking.

    It is asked with the mail and whether it has been taken by then.
    """

    name = "memory"

    def __init__(self) -> None:
        self.mails: list[OutgoingMail] = []
        self.fault: Callable[[OutgoingMail, bool], None] = lambda _mail, _taken: None

    def send(self, mail: OutgoingMail) -> str:
        """Keep the mail; see `ports.mail.MailTransport`."""
        self.fault(mail, False)  # noqa: FBT003 - what the fault is asked with
        self.mails.append(mail)
        self.fault(mail, True)  # noqa: FBT003 - the same
        return f"memory-{len(self.mails)}"
