"""Addresses that mail is sent to: their forms, judged by the grammar alone."""

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from nightshift.email.errors import BadAddressError

MAX_CHARS = 254


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A checked address. `spec` is ASCII unless its local part is not (RFC 6531)."""

    local: str
    domain: str

    @property
    def spec(self) -> str:
        """The address for envelope and headers."""
        return f"{self.local}@{self.domain}"

    @property
    def normal(self) -> str:
        """The form under which two spellings of one mailbox are the same."""
        return self.spec.lower()


def read_address(text: str) -> Address:
    """Return the address in `text`, its domain in ASCII form (IDNA).

    Whether the mailbox exists is not looked at. Display names, comments, quoted local parts,
    address literals and anything with a line end are refused (RFC 5321 section 4.1.2).

    Raises:
        BadAddressError: it is none; the address is not in the message.
    """
    if len(text) > MAX_CHARS or not text.isprintable():
        raise BadAddressError
    try:
        found = validate_email(
            text, check_deliverability=False, globally_deliverable=False, strict=True
        )
    except EmailNotValidError:
        raise BadAddressError from None
    local = found.ascii_local_part or found.local_part
    return Address(local=local, domain=found.ascii_domain)
