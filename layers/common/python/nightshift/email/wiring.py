"""Builds the email context on an engine, one object graph a process."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.environment import load
from nightshift.core.ids import new_id
from nightshift.core.tokens import RandomBytes
from nightshift.email.choices import ChoiceStore
from nightshift.email.kinds import send_kind
from nightshift.email.model import Readers, SendMail
from nightshift.email.sealing import Keys, Sealer, lazy_keys
from nightshift.email.settings import MailKeySettings, MailQueueSettings, MailSettings
from nightshift.email.store import MailStore
from nightshift.email.suppression import Suppressions
from nightshift.email.unsubscribe import Unsubscriber
from nightshift.jobs.kinds import Completed, Failed, Job
from nightshift.jobs.settings import EngineSettings
from nightshift.jobs.wiring import Machine, get_machine
from nightshift.observability import Log, get_log
from nightshift.ports.mail import MailTransport

if TYPE_CHECKING:
    from nightshift.email.composing import Composer
    from nightshift.email.jobs import MailSending
    from nightshift.email.service import Mailer

DAY_S = 86_400
KEPT_FROM = "nightshift@localhost.localdomain"
"""Where kept mails come from when no address is set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """What the context stands on beside the engine; tests give fakes.

    `readers` is called when first needed, `transport` for each mail; `url` is the product's
    address, without a slash at its end.
    """

    table: Table
    keys: Keys
    readers: Callable[[], Readers]
    url: Callable[[], str]
    transport: Callable[[], MailTransport]
    random: RandomBytes
    log: Log


class EmailContext:
    """The email context on an engine, with its kind put into it.

    What only some functions need is made, and imported, when it is asked for.
    """

    def __init__(
        self,
        machine: Machine,
        outside: Outside,
        settings: MailQueueSettings,
        handing_over: Callable[[], MailSettings],
    ) -> None:
        """Take what the context stands on; `handing_over` is read when the first mail is sent."""
        self._machine = machine
        self._outside = outside
        self._settings = settings
        self._handing_over = handing_over
        self._sealer = Sealer(outside.keys, outside.random)
        self._store = MailStore(outside.table, retention_s=settings.mail_retention_days * DAY_S)
        self.clock = machine.parts.clock
        self.suppressions = Suppressions(outside.table, self.clock)
        self._kind = send_kind(self._send, rate=settings.mail_rate)
        machine.add(self._kind)

    def _send(self, job: Job[SendMail]) -> Completed | Failed:
        return self._sending(job)

    @cached_property
    def readers(self) -> Readers:
        """The users that mails are for."""
        return self._outside.readers()

    @cached_property
    def choices(self) -> ChoiceStore:
        """Which mails users want."""
        return ChoiceStore(self._outside.table)

    @cached_property
    def unsubscriber(self) -> Unsubscriber:
        """Makes and honours links to unsubscribe."""
        return Unsubscriber(self._sealer, self.readers, url=self._outside.url())

    @cached_property
    def mailer(self) -> "Mailer":
        """The door for other contexts."""
        from nightshift.email.service import Mailer  # noqa: PLC0415 - see the class

        return Mailer(
            jobs=self._machine.jobs,
            kind=self._kind,
            store=self._store,
            sealer=self._sealer,
            clock=self.clock,
            new_id=new_id,
        )

    @cached_property
    def _sending(self) -> "MailSending":
        from nightshift.email.jobs import MailSending  # noqa: PLC0415 - see the class

        return MailSending(
            store=self._store,
            suppressions=self.suppressions,
            sealer=self._sealer,
            readers=self.readers,
            unsubscriber=self.unsubscriber,
            blobs=self._machine.parts.blobs,
            transport=self._outside.transport,
            composer=self._composer(),
            clock=self.clock,
            log=self._outside.log,
        )

    def _composer(self) -> "Composer":
        from nightshift.email.addresses import read_address  # noqa: PLC0415 - see the class
        from nightshift.email.composing import Composer  # noqa: PLC0415 - the same
        from nightshift.email.messages import Sender  # noqa: PLC0415 - the same
        from nightshift.email.rendering import Brand  # noqa: PLC0415 - the same

        said = self._handing_over()
        sender = Sender(
            address=read_address(said.mail_from or KEPT_FROM),
            name=said.mail_product,
            reply_to=read_address(said.mail_reply_to) if said.mail_reply_to else None,
        )
        brand = Brand(product=said.mail_product, url=self._outside.url())
        return Composer(sender=sender, brand=brand, now=self.clock.now)


@cache
def get_context() -> EmailContext:
    """Return the process's context over AWS, from its environment.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    settings = load(MailQueueSettings, os.environ)
    table = Table(clients.dynamodb(), settings.email_table)
    outside = Outside(
        table=table,
        keys=_keys,
        readers=lambda: _readers(table),
        url=lambda: load(MailKeySettings, os.environ).public_url,
        transport=cache(lambda: build_transport(_mail_settings(), table)),
        random=os.urandom,
        log=get_log(),
    )
    return EmailContext(get_machine(), outside, settings, _mail_settings)


def _keys() -> Sequence[bytes]:
    return _key_ring()()


@cache
def _key_ring() -> Keys:
    from nightshift.adapters.secrets import stack_secrets  # noqa: PLC0415 - at the first seal only

    return lazy_keys(stack_secrets(os.environ), load(MailKeySettings, os.environ).mail_key_param)


def _readers(table: Table) -> Readers:
    from nightshift.email.readers import IdentityReaders  # noqa: PLC0415 - at the first mail only
    from nightshift.identity.wiring import build_directory  # noqa: PLC0415 - the same

    is_local = load(EngineSettings, os.environ).stage == "local"
    directory = build_directory(os.environ)
    return IdentityReaders(directory, ChoiceStore(table), all_verified=is_local)


@cache
def _mail_settings() -> MailSettings:
    return load(MailSettings, os.environ)


def build_transport(settings: MailSettings, table: Table) -> MailTransport:
    """Return the configured deliverer; `table` is where `noop` keeps mails."""
    if settings.mail_provider == "ses":
        from nightshift.adapters.mail_ses import SesMail  # noqa: PLC0415 - one of three

        return SesMail(clients.sesv2, configuration_set=settings.mail_configuration_set)
    if settings.mail_provider == "smtp":
        return _smtp(settings)
    from nightshift.adapters.mail_noop import KeptMail  # noqa: PLC0415 - one of three

    return KeptMail(table)


def _smtp(settings: MailSettings) -> MailTransport:
    from nightshift.adapters.mail_smtp import SmtpMail, SmtpServer  # noqa: PLC0415 - one of three
    from nightshift.adapters.secrets import stack_secrets  # noqa: PLC0415 - the same

    secrets = stack_secrets(os.environ)
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
    )
    return SmtpMail(server, cache(lambda: secrets.get(settings.smtp_password_param)))
