"""Every key of the email table."""

from nightshift.core.tokens import digest
from nightshift.email.model import Category

Key = dict[str, str]
SUPPRESSIONS = "SUPPRESSIONS"
UNWANTED = "UNWANTED#"


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


def user_pk(user_id: str) -> str:
    """Return the partition of what a user chose."""
    return f"USER#{user_id}"


def unwanted(user_id: str, category: Category) -> Key:
    """Return the key under which a user's farewell to a category is kept."""
    return {"pk": user_pk(user_id), "sk": UNWANTED + category.value}
