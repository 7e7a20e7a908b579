"""The safety conditions of sign-in, passwords and mailed links, each removed in turn."""

from tests.mutants.model import Mutant

SESSIONS = ("identity/sessions", "identity/passwords", "identity/policies")
GUARD = ("identity/guard", "identity/accounts", "identity/policies")
PASSWORDS = (
    "identity/passwords",
    "identity/password_checks",
    "identity/verification",
    "identity/moving",
)

ACCOUNTS = (
    Mutant(
        name="guessing at an account is free",
        path="identity/guard.py",
        old="for lane in (lanes.network, lanes.others(seen, now), lanes.pair):",
        new="for lane in (lanes.network, lanes.others(seen, now)):",
        tests=GUARD,
    ),
    Mutant(
        name="guessing from a network is free",
        path="identity/guard.py",
        old="for lane in (lanes.network, lanes.others(seen, now), lanes.pair):",
        new="for lane in (lanes.others(seen, now), lanes.pair):",
        tests=GUARD,
    ),
    Mutant(
        name="guessing together is free",
        path="identity/guard.py",
        old="for lane in (lanes.network, lanes.others(seen, now), lanes.pair):",
        new="for lane in (lanes.network, lanes.pair):",
        tests=GUARD,
    ),
    Mutant(
        name="strangers lock the user out",
        path="identity/guard.py",
        old="return self.at_home if is_home else self.strangers",
        new="return self.strangers",
        tests=GUARD,
    ),
    Mutant(
        name="a home is a home for ever",
        path="identity/guard.py",
        old="is_home = seen.home_until is not None and seen.home_until > now",
        new="is_home = seen.home_until is not None",
        tests=GUARD,
    ),
    Mutant(
        name="guesses at once are one",
        path="identity/attempt_store.py",
        old=("            self._table.put(from_attempts(lane.kind, lane.who, after), unchanged)"),
        new="            self._table.put(from_attempts(lane.kind, lane.who, after))",
        tests=GUARD,
    ),
    Mutant(
        name="a delay does not grow",
        path="identity/attempts.py",
        old="patience.first_delay * 2 ** min(beyond, _MAX_DOUBLINGS)",
        new="patience.first_delay",
        tests=GUARD,
    ),
    Mutant(
        name="a delay grows without end",
        path="identity/attempts.py",
        old=(
            "delay = min(patience.first_delay * 2 ** min(beyond, _MAX_DOUBLINGS), "
            "patience.max_delay)"
        ),
        new="delay = patience.first_delay * 2 ** min(beyond, _MAX_DOUBLINGS)",
        tests=GUARD,
    ),
    Mutant(
        name="failures are never forgotten",
        path="identity/attempts.py",
        old=("failures = 1 if seen is None or seen.forgotten_at <= now else seen.failures + 1"),
        new="failures = 1 if seen is None else seen.failures + 1",
        tests=GUARD,
    ),
    Mutant(
        name="success forgets nothing",
        path="identity/guard.py",
        old="        self._store.forget(lanes.pair)\n",
        new="",
        tests=GUARD,
    ),
    Mutant(
        name="mails can be asked for without end",
        path="identity/guard.py",
        old="            _check(seen.attempts.get(lane), self._clock.now())\n",
        new="",
        tests=PASSWORDS,
    ),
    Mutant(
        name="failures are not counted",
        path="identity/sign_in.py",
        old="            self._guard.failed(account, client.address)\n",
        new="",
        tests=GUARD,
    ),
    Mutant(
        name="a wrong password signs in",
        path="identity/sign_in.py",
        old="        if user is None or not right:",
        new="        if user is None:",
        tests=GUARD,
    ),
    Mutant(
        name="no work is done for nobody",
        path="identity/passwords.py",
        old="            self._hasher.verify(stored or self._nobody, _normal(password))",
        new='            self._hasher.verify(stored or "", _normal(password))',
        tests=("identity/accounts",),
    ),
    Mutant(
        name="who is disabled signs in",
        path="identity/sign_in.py",
        old="        if user.disabled:",
        new="        if False:",
        tests=SESSIONS,
    ),
    Mutant(
        name="the audit log tells who exists",
        path="identity/sign_in.py",
        old="subject=user_subject(user.user_id if user else NOBODY),",
        new="subject=user_subject(user.user_id) if user else None,",
        tests=("/contract/who_exists",),
    ),
    Mutant(
        name="asking for a new password tells who exists",
        path="identity/recovery.py",
        old="subject=user_subject(user.user_id if user else NOBODY),",
        new="subject=user_subject(user.user_id) if user else None,",
        tests=("/contract/who_exists",),
    ),
    Mutant(
        name="common passwords will do",
        path="identity/passwords.py",
        old="    if plain in _common():",
        new="    if False:",
        tests=("identity/accounts",),
    ),
    Mutant(
        name="a link is good twice",
        path="identity/links.py",
        old="    if link.used_by is not None:",
        new="    if False:",
        tests=PASSWORDS,
    ),
    Mutant(
        name="two uses of a link at once both count",
        path="identity/store.py",
        old='expression="attribute_exists(pk) AND attribute_not_exists(used_by)"',
        new='expression="attribute_exists(pk)"',
        tests=("identity/stores",),
    ),
    Mutant(
        name="a link is good for ever",
        path="identity/links.py",
        old="    if link.expires_at <= now:",
        new="    if False:",
        tests=PASSWORDS,
    ),
    Mutant(
        name="a link outlives the password",
        path="identity/links.py",
        old="return link.credential == user.credential and email == email_key(user.email)",
        new="return email == email_key(user.email)",
        tests=PASSWORDS,
    ),
    Mutant(
        name="a link outlives the address",
        path="identity/links.py",
        old="return link.credential == user.credential and email == email_key(user.email)",
        new="return link.credential == user.credential",
        tests=PASSWORDS,
    ),
    Mutant(
        name="a disabled user's link is good",
        path="identity/links.py",
        old="if link is None or user is None or user.disabled:",
        new="if link is None or user is None:",
        tests=PASSWORDS,
    ),
    Mutant(
        name="a link verifies any address",
        path="identity/links.py",
        old="return email in {email_key(user.email), email_key(user.pending_email)}",
        new="return True",
        tests=PASSWORDS,
    ),
    Mutant(
        name="a link of one kind does the other",
        path="identity/links.py",
        old="    if not token.startswith(prefix):",
        new="    if False:",
        tests=PASSWORDS,
    ),
    Mutant(
        name="the link is stored as it is",
        path="identity/recovery.py",
        old="            secret_hash=digest(secret),",
        new="            secret_hash=secret.hex(),",
        tests=PASSWORDS,
    ),
    Mutant(
        name="a reset ends no session",
        path="identity/recovery.py",
        old="            epoch=user.epoch + 1,\n",
        new="",
        tests=PASSWORDS,
    ),
    Mutant(
        name="a new password voids no link",
        path="identity/recovery.py",
        old="            credential=user.credential + 1,\n",
        new="",
        tests=PASSWORDS,
    ),
    Mutant(
        name="the current password is not asked for",
        path="identity/recovery.py",
        old="        if not self._passwords.verify(user.password_hash, password):",
        new="        if False:",
        tests=PASSWORDS,
    ),
    Mutant(
        name="the current password can be guessed",
        path="identity/recovery.py",
        old=(
            "            self._guard.failed(account, client.address)\n"
            '            self._ground.log.warning("password.refused"'
        ),
        new='            self._ground.log.warning("password.refused"',
        tests=PASSWORDS,
    ),
    Mutant(
        name="a change of the password wins over another",
        path="identity/store.py",
        old=(
            'expression="#version = :version AND epoch = :epoch AND password_hash = '
            ':hash",\n'
            '            names={"#version": "version"},\n'
            "            values={\n"
            '                ":version": before.version,\n'
            '                ":epoch": before.epoch,\n'
            '                ":hash": before.password_hash,\n'
            "            },"
        ),
        new='expression="attribute_exists(pk)",',
        tests=PASSWORDS,
    ),
    Mutant(
        name="an ended session comes along",
        path="identity/store.py",
        old='expression="epoch = :before AND attribute_not_exists(revoked_ms)"',
        new='expression="epoch = :before"',
        tests=PASSWORDS,
    ),
    Mutant(
        name="an address has two accounts",
        path="identity/store.py",
        old="            Put(table=self._table.name, item=pointer, condition=NOT_EXISTS),",
        new="            Put(table=self._table.name, item=pointer),",
        tests=("identity/accounts", "identity/moving"),
    ),
    Mutant(
        name="an unverified address is told of acts",
        path="identity/letters.py",
        old="        if not user.email_verified:",
        new="        if False:",
        tests=PASSWORDS,
    ),
    Mutant(
        name="an unverified address is administrator",
        path="identity/verification.py",
        old="is_it = user.email_verified and bool(self._admin)",
        new="is_it = bool(self._admin)",
        tests=PASSWORDS,
    ),
    Mutant(
        name="who administers users signs out one who may more",
        path="identity/admin.py",
        old=(
            "        self._check_reach(by, user)\n"
            "        self._ground.sessions.end_all_sessions(user_id)"
        ),
        new="        self._ground.sessions.end_all_sessions(user_id)",
        tests=("/contract/reach",),
    ),
    Mutant(
        name="a picture may be anything",
        path="identity/avatars.py",
        old=("        if not (1 <= picture.width <= longest and 1 <= picture.height <= longest):"),
        new="        if False:",
        tests=("identity/avatars",),
    ),
    Mutant(
        name="a new device is not told of",
        path="identity/arrivals.py",
        old="        if known_until is not None and known_until > now:",
        new="        if True:",
        tests=("identity/devices",),
    ),
    Mutant(
        name="a device is known for ever",
        path="identity/arrivals.py",
        old="        if known_until is not None and known_until > now:",
        new="        if known_until is not None:",
        tests=("identity/devices",),
    ),
    Mutant(
        name="a mail that fails locks out",
        path="identity/arrivals.py",
        old=("        except NightshiftError as error:\n            self._ground.log.failure"),
        new=("        except ZeroDivisionError as error:\n            self._ground.log.failure"),
        tests=("identity/devices",),
    ),
)
