"""Addresses that mail is sent to: their forms, judged by the grammar alone."""

from email_validator import EmailNotValidError, validate_email

from nightshift.email.errors import BadAddressError
from nightshift.email.model import Address

MAX_CHARS = 254


def read_address(text: str) -> Address:
    """Return the address in `text`, its domain in ASCII form (IDNA).

    Whether the mailbox exists is not looked at. Display names, comments, quoted local parts,
    address literals and anything with a line end are refused (RFC 5321 section 4.1.2).

    Raises:
        BadAddressError: it is none; the address is not in the message.
    """
    if len(text) > MAX_CHARS:
        raise BadAddressError
    try:
        found = validate_email(
            text, check_deliverability=False, globally_deliverable=False, strict=True
        )
    except EmailNotValidError:
        raise BadAddressError from None
    local = found.ascii_local_part or found.local_part
    return Address(local=local, domain=found.ascii_domain)
