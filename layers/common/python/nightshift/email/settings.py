"""Settings of mail."""

from dataclasses import dataclass

from nightshift.core.environment import SettingsError, setting

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailTable:
    """All that listening to bounces takes."""

    email_table: str = setting(doc="The table of mails and suppressed addresses.", wiring=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class MailQueueSettings:
    """What every function needs that asks for mails to be sent."""

    email_table: str = setting(doc="The table of mails and suppressed addresses.", wiring=True)
    mail_rate: int = setting(
        default=10,
        unit="mails a second",
        ge=1,
        le=1_000,
        doc="How many mails are begun in a second at most; what is over waits.",
    )
    mail_retention_days: int = setting(
        default=30,
        unit="days",
        ge=1,
        le=3650,
        doc="How long it is known of a mail that it was sent, so that it is not sent again.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MailKeySettings:
    """What is needed to seal and open mails, and to sign and read links in them."""

    mail_key_param: str = setting(
        doc="The SSM parameter with the keys that mails are sealed with while they wait, base64, "
        "newest first.",
        wiring=True,
    )
    public_url: str = setting(
        default="",
        doc="The address that users see, without a slash at its end.",
        wiring=True,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MailSettings:
    """How mail is handed over, for the function that does it."""

    mail_provider: str = setting(
        default="noop",
        choices=("ses", "smtp", "noop"),
        doc="Who delivers mail; `noop` keeps it for a week instead, where the local stack's inbox "
        "shows it.",
    )
    mail_from: str = setting(
        default="",
        doc="The address that mails come from; `ses` and `smtp` need one, which is verified or "
        "allowed there.",
    )
    mail_product: str = setting(
        default="Nightshift", doc="The name that mails come from, and the product's in their text."
    )
    mail_reply_to: str = setting(
        default="", doc="The address that answers go to; empty is the one they come from."
    )
    mail_configuration_set: str = setting(
        default="", doc="The configuration set of SES, whose events tell of bounces.", wiring=True
    )
    smtp_host: str = setting(default="", doc="The mail server of `smtp`.")
    smtp_port: int = setting(default=587, unit="TCP port", ge=1, le=65535, doc="Its port.")
    smtp_security: str = setting(
        default="starttls",
        choices=("starttls", "tls", "none"),
        doc="How the connection is made secret; `none` is for a server on this very machine.",
    )
    smtp_user: str = setting(default="", doc="Who signs in at the mail server; empty is nobody.")
    smtp_password_param: str = setting(
        default="", doc="The SSM parameter with that user's password.", wiring=True
    )

    def __post_init__(self) -> None:
        """Refuse what cannot send.

        Raises:
            SettingsError: saying what is missing.
        """
        if self.mail_provider != "noop" and not self.mail_from:
            raise SettingsError(
                f"NIGHTSHIFT_MAIL_PROVIDER={self.mail_provider} needs NIGHTSHIFT_MAIL_FROM."
            )
        if self.mail_provider == "smtp" and not self.smtp_host:
            raise SettingsError("NIGHTSHIFT_MAIL_PROVIDER=smtp needs NIGHTSHIFT_SMTP_HOST.")
        if self.smtp_security == "none" and self.smtp_host not in LOOPBACK:
            raise SettingsError("NIGHTSHIFT_SMTP_SECURITY=none is for a server on this machine.")
