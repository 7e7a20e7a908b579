"""Beginning sessions, and telling users of devices that they have not signed in with lately."""

from nightshift.core.access import UserId
from nightshift.core.errors import NightshiftError
from nightshift.identity.devices import KNOWN_FOR, TOUCH_AFTER, fingerprint
from nightshift.identity.ground import Ground
from nightshift.identity.letters import Letters
from nightshift.identity.model import Client, Device, Session, User


class Arrivals:
    """Stores new sessions together with the device that they came from."""

    def __init__(self, *, ground: Ground, letters: Letters) -> None:
        self._ground = ground
        self._letters = letters

    def device(self, user_id: UserId, client: Client) -> Device:
        """Return the client's device, known from now on."""
        return Device(
            user_id=user_id,
            fingerprint=fingerprint(client.user_agent, client.address),
            known_until=self._ground.now() + KNOWN_FOR,
        )

    def begin(self, user: User, session: Session, client: Client) -> None:
        """Store a session; a device that was not known is told of by mail, in one transaction.

        A mail that is not taken in keeps nobody out: the device then stays unknown, and the next
        sign-in from it is told of.
        """
        store, now = self._ground.sessions, self._ground.now()
        device = self.device(user.user_id, client)
        known_until = store.find_device(user.user_id, device.fingerprint)
        if known_until is not None and known_until > now:
            is_fresh = known_until > now + KNOWN_FOR - TOUCH_AFTER
            store.add_session(session, device=None if is_fresh else device)
            return
        letter = self._letters.new_sign_in(user, client, now)
        try:
            store.add_session(session, device=device, commit=self._ground.posting(letter))
        except NightshiftError as error:
            self._ground.log.failure("mail.not_taken", error=error.slug, user_id=user.user_id)
            store.add_session(session)
