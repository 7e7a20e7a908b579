"""Links to unsubscribe by one click (RFC 8058): who is meant and from what, signed.

They do not expire: a mail may be read years later. They can do nothing but what they say.
"""

from dataclasses import dataclass
from urllib.parse import quote

from nightshift.email.errors import UnsubscribeTokenError
from nightshift.email.model import Category, Readers
from nightshift.email.sealing import BrokenSealError, Sealer

PATH = "/api/v1/email/unsubscribe"
_LABEL = "unsubscribe"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsubscribing:
    """A user and a category, as a link names them."""

    user_id: str
    category: Category


class Unsubscriber:
    """Makes links and honours them; `url` is the product's address, without a slash at its end."""

    def __init__(self, sealer: Sealer, readers: Readers, *, url: str) -> None:
        self._sealer = sealer
        self._readers = readers
        self._url = url

    def link(self, user_id: str, category: Category) -> str:
        """Return the address that ends mails of `category` to the user."""
        token = self._sealer.sign(f"{_LABEL}|{user_id}|{category.value}")
        return f"{self._url}{PATH}?token={quote(token)}"

    def read(self, token: str) -> Unsubscribing:
        """Return what a link asks for, without doing it.

        Raises:
            UnsubscribeTokenError: the token was not made here.
        """
        try:
            label, user_id, category = self._sealer.verify(token).split("|")
            if label != _LABEL:
                raise UnsubscribeTokenError
            return Unsubscribing(user_id=user_id, category=Category(category))
        except (BrokenSealError, ValueError) as error:
            raise UnsubscribeTokenError from error

    def stop(self, token: str) -> Unsubscribing:
        """Do what a link asks for; again changes nothing.

        Raises:
            UnsubscribeTokenError: the token was not made here.
        """
        asked = self.read(token)
        self._readers.stop(asked.user_id, asked.category)
        return asked
