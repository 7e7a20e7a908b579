"""The server's settings as other contexts read them: all that most functions need of settings."""

from datetime import datetime, timedelta

from nightshift.core.clock import Clock
from nightshift.settings.model import ServerSettings, effective
from nightshift.settings.store import SettingsStore


class ServerSettingsReader:
    """Reads them now and then; what it says is at most `max_age` old."""

    def __init__(self, *, store: SettingsStore, clock: Clock, max_age: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._max_age = max_age
        self._read: tuple[ServerSettings, datetime] | None = None

    def server(self) -> ServerSettings:
        """Return the server's settings."""
        now = self._clock.now()
        if self._read is not None and now - self._read[1] < self._max_age:
            return self._read[0]
        settings = effective(ServerSettings, self._store.find(None).values)
        self._read = settings, now
        return settings

    def forget(self) -> None:
        """Read them again at the next use."""
        self._read = None
