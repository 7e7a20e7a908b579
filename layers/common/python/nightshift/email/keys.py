"""Every key of the email table."""

from nightshift.core.tokens import digest
from nightshift.email.model import Category

Key = dict[str, str]
SUPPRESSIONS = "SUPPRESSIONS"
KEPT = "KEPT"


def mail(mail_id: str) -> Key:
    """Return the key of what is known of one mail."""
    return {"pk": f"MAIL#{mail_id}", "sk": "-"}


def address_id(normal: str) -> str:
    """Return the hash that names an address, given in its normal form."""
    return digest(normal.encode())


def suppressed(identifier: str) -> Key:
    """Return the key of a suppressed address, by its hash."""
    return {"pk": f"SUPPRESSED#{identifier}", "sk": "-"}


def suppression_place(since_ms: int, identifier: str) -> Key:
    """Return the key of a suppressed address in the list by time."""
    return {"pk": SUPPRESSIONS, "sk": f"{since_ms:014d}#{identifier}"}


def unwanted(user_id: str, category: Category) -> Key:
    """Return the key under which a user's farewell to a category is kept."""
    return {"pk": f"USER#{user_id}", "sk": f"UNWANTED#{category.value}"}


def kept(made_ms: int, mail_id: str) -> Key:
    """Return the key of a mail that was kept instead of sent."""
    return {"pk": KEPT, "sk": f"{made_ms:014d}#{mail_id}"}
