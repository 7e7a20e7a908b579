"""Mail in virtual time: the context on a whole engine, and a deliverer that does as it is told."""

import base64
import hashlib
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from nightshift.adapters.mail_memory import MemoryMail
from nightshift.aws.dynamo import Table
from nightshift.email.choices import ChoiceStore
from nightshift.email.fakes import FakeReaders
from nightshift.email.model import SEND_KIND, Reader, Template
from nightshift.email.settings import MailQueueSettings, MailSettings
from nightshift.email.wiring import EmailContext, Outside
from nightshift.jobs.model import JobStatus, Record
from nightshift.observability import make_log
from tests.support.dynamo import FakeDynamoDB
from tests.support.mails import EXAMPLES, LINK, READER
from tests.support.world import World

START = datetime(2026, 11, 25, 14, 0, 30, tzinfo=UTC)
TABLES = ("jobs", "tasks", "email", "http", "shop")
ADA = READER.user_id
KEY = base64.b64encode(hashlib.sha256(b"mail key").digest()).decode()
SHOP_ROW = {"pk": "ORDER#1", "sk": "-"}


class Post:
    """One stack with the email context on it, and one reader, Ada."""

    def __init__(
        self, *, reader: Reader = READER, rate: int = 100, dynamo: FakeDynamoDB | None = None
    ) -> None:
        self.dynamo = dynamo or FakeDynamoDB(TABLES)
        self.world = World(start=START, dynamo=self.dynamo)
        self.clock = self.world.clock
        self.deliverer = MemoryMail()
        self.readers = FakeReaders(reader)
        self.table = Table(self.dynamo, "email")  # type: ignore[arg-type]  # the fake's door
        self.choices = ChoiceStore(self.table)
        self.key_ring = [bytes(range(32))]
        nonces = itertools.count(1)
        settings = MailQueueSettings(email_table="email", mail_rate=rate)
        outside = Outside(
            table=self.table,
            keys=lambda: self.key_ring,
            readers=lambda: self.readers,
            url=lambda: LINK,
            transport=lambda: self.deliverer,
            random=lambda n: next(nonces).to_bytes(n, "big"),
            log=make_log(service="test"),
        )
        said = MailSettings(mail_from="nightshift@example.com")
        self.context = EmailContext(self.world.machine, outside, settings, lambda: said)
        self.mailer = self.context.mailer

    def send(
        self,
        template: Template = Template.VERIFICATION,
        *,
        to: str = "ada@example.com",
        **more: Any,
    ) -> None:
        """Ask for a mail to Ada, a moment after the one before."""
        self.clock.advance(seconds=0.01)
        data = more.pop("data", EXAMPLES[template])
        self.mailer.send(to=to, template=template, data=data, user_id=ADA, **more)

    def settle(self, *, minutes: float = 2) -> None:
        """Let the jobs of the next minutes run."""
        self.world.run_for(minutes=minutes)

    def records(self) -> list[Record | None]:
        """Return the record of each mail's job, oldest first; None of one that has not ended."""
        orders = self.world.machine.orders.page(ADA, start_after=None, limit=100)
        assert {SEND_KIND} >= {order.ref.kind for order in orders}
        find = self.world.machine.store.find_record
        refs = [order.ref for order in reversed(orders)]
        return [find(ref.kind, ref.subject, ref.job_id) for ref in refs]

    def starts(self) -> list[int]:
        """Return when the last attempts of the mails' jobs began, in ms, soonest first."""
        return sorted(r.last.started_ms for r in self.records() if r and r.last)

    def jobs(self) -> list[tuple[str, Any, int]]:
        """Return status, result and attempts of each mail's job, oldest first."""
        found: list[tuple[str, Any, int]] = []
        for record in self.records():
            if record is None:
                found.append((JobStatus.PENDING.value, None, 0))
            else:
                why = record.result if record.status is JobStatus.COMPLETED else record.reason
                found.append((record.status.value, why, record.closed))
        return found

    def outcomes(self) -> list[str]:
        """Return what became of each mail, oldest first."""
        return [
            result["outcome"] if isinstance(result, Mapping) else f"{status}: {result}"
            for status, result, _ in self.jobs()
        ]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of a table."""
        return self.dynamo.items(table)

    def everything_stored(self) -> str:
        """Return all tables, queues and blobs as one text."""
        tables = [json.dumps(self.rows(t), default=repr) for t in TABLES]
        queued = [message.body for message in self.world.queue.messages]
        return "\n".join([*tables, *queued, repr(self.world.blobs.blobs)])
