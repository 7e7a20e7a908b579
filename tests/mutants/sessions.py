"""The safety conditions of sessions and their tokens, each removed in turn."""

from tests.mutants.model import Mutant

SESSIONS = ("identity/sessions", "identity/passwords", "identity/policies")
TOKENS = ("identity/access_tokens", "identity/rfc8725", "identity/jws", "identity/signing_keys")

SESSIONS_AND_TOKENS = (
    Mutant(
        name="a refresh token is good for ever",
        path="identity/refresh.py",
        old=("            if rotation.used_at < since:\n                return None\n"),
        new="",
        tests=SESSIONS,
    ),
    Mutant(
        name="a reused token ends nothing",
        path="identity/sessions.py",
        old="                self._end_reused(session, client, now)\n",
        new="",
        tests=SESSIONS,
    ),
    Mutant(
        name="a reused token refreshes",
        path="identity/sessions.py",
        old="                raise RefreshReusedError\n",
        new="                return user, self._tokens(session, presented.secret, now)\n",
        tests=SESSIONS,
    ),
    Mutant(
        name="there is no grace",
        path="identity/refresh.py",
        old="head = _follow(session, presented.secret, now - grace)",
        new="head = None",
        tests=SESSIONS,
    ),
    Mutant(
        name="the table alone gives a token",
        path="identity/refresh.py",
        old='keyed(secret, b"refresh successor", nonce)',
        new='keyed(nonce, b"refresh successor", nonce)',
        tests=SESSIONS,
    ),
    Mutant(
        name="rotations of the grace are forgotten",
        path="identity/refresh.py",
        old="kept = [r for r in session.recent if r.used_at + grace >= now]",
        new="kept = [r for r in session.recent if False]",
        tests=SESSIONS,
    ),
    Mutant(
        name="two refreshes at once both rotate",
        path="identity/session_store.py",
        old=(
            '                "current_hash = :hash AND epoch = :epoch AND '
            'attribute_not_exists(revoked_ms)"\n'
            "            ),\n"
            '            values={":hash": before.current_hash, ":epoch": before.epoch},'
        ),
        new=(
            '                "epoch = :epoch AND attribute_not_exists(revoked_ms)"\n'
            "            ),\n"
            '            values={":epoch": before.epoch},'
        ),
        tests=SESSIONS,
    ),
    Mutant(
        name="a refresh undoes a logout",
        path="identity/session_store.py",
        old=(
            '                "current_hash = :hash AND epoch = :epoch AND '
            'attribute_not_exists(revoked_ms)"'
        ),
        new='                "current_hash = :hash AND epoch = :epoch"',
        tests=SESSIONS,
    ),
    Mutant(
        name="a refresh survives a logout of all",
        path="identity/session_store.py",
        old=(
            '                "current_hash = :hash AND epoch = :epoch AND '
            'attribute_not_exists(revoked_ms)"\n'
            "            ),\n"
            '            values={":hash": before.current_hash, ":epoch": before.epoch},'
        ),
        new=(
            '                "current_hash = :hash AND attribute_not_exists(revoked_ms)"\n'
            "            ),\n"
            '            values={":hash": before.current_hash},'
        ),
        tests=SESSIONS,
    ),
    Mutant(
        name="a lost answer is a lost race",
        path="identity/sessions.py",
        old="            if stands == decision.session:",
        new="            if stands is decision.session:",
        tests=SESSIONS,
    ),
    Mutant(
        name="a made-up token ends a session",
        path="identity/refresh.py",
        old="    if not same(presented.tag, _tag(session, presented.secret)):",
        new="    if False:",
        tests=SESSIONS,
    ),
    Mutant(
        name="tags are of no family",
        path="identity/refresh.py",
        old='keyed(session.family_key, b"refresh tag", secret)',
        new='keyed(b"", b"refresh tag", secret)',
        tests=SESSIONS,
    ),
    Mutant(
        name="a session has no end",
        path="identity/sessions.py",
        old="        if session.ends_at <= now:",
        new="        if False:",
        tests=SESSIONS,
    ),
    Mutant(
        name="an ended session refreshes",
        path="identity/sessions.py",
        old="        if not session.is_live(user, now):",
        new="        if False:",
        tests=SESSIONS,
    ),
    Mutant(
        name="a revoked session is live",
        path="identity/model.py",
        old=("            self.revoked_at is None\n            and "),
        new="            ",
        tests=SESSIONS,
    ),
    Mutant(
        name="a session of before is live",
        path="identity/model.py",
        old="            and self.epoch == user.epoch\n",
        new="",
        tests=SESSIONS,
    ),
    Mutant(
        name="who is disabled has sessions",
        path="identity/model.py",
        old="            and not user.disabled\n",
        new="",
        tests=SESSIONS,
    ),
    Mutant(
        name="an access token needs no session",
        path="identity/authenticator.py",
        old="if found is None or not found.session.is_live(found.user, self._clock.now()):",
        new="if found is None:",
        tests=SESSIONS,
    ),
    Mutant(
        name="a revoking is written over",
        path="identity/session_store.py",
        old="SET revoked_ms = if_not_exists(revoked_ms, :now)",
        new="SET revoked_ms = :now",
        tests=("identity/stores",),
    ),
    Mutant(
        name="any algorithm will do",
        path="identity/jws.py",
        old='header.get("alg") != ALGORITHM or key is None',
        new="key is None",
        tests=TOKENS,
    ),
    Mutant(
        name="critical headers are passed over",
        path="identity/jws.py",
        old='    if "crit" in header:',
        new="    if False:",
        tests=TOKENS,
    ),
    Mutant(
        name="a signature is not looked at",
        path="identity/jws.py",
        old='        key.verify(signature, token.rpartition(".")[0].encode())',
        new="        len(signature)",
        tests=TOKENS,
    ),
    Mutant(
        name="any type of token will do",
        path="identity/access_tokens.py",
        old='if str(found.header.get("typ")).lower() != HEADER_TYPE:',
        new="if False:",
        tests=TOKENS,
    ),
    Mutant(
        name="any kind of claims will do",
        path="identity/access_tokens.py",
        old='if claims["typ"] != CLAIM_TYPE:',
        new="if False:",
        tests=TOKENS,
    ),
    Mutant(
        name="anybody issues",
        path="identity/access_tokens.py",
        old='if claims["iss"] != self._terms.issuer:',
        new="if False:",
        tests=TOKENS,
    ),
    Mutant(
        name="tokens are for anybody",
        path="identity/access_tokens.py",
        old='if claims["aud"] != self._terms.audience:',
        new="if False:",
        tests=TOKENS,
    ),
    Mutant(
        name="access tokens do not expire",
        path="identity/access_tokens.py",
        old="if now >= expires_at + self._terms.leeway_s:",
        new="if False:",
        tests=TOKENS,
    ),
    Mutant(
        name="tokens come from the future",
        path="identity/access_tokens.py",
        old="if max(issued_at, not_before) > now + self._terms.leeway_s:",
        new="if False:",
        tests=TOKENS,
    ),
    Mutant(
        name="a weak key signs",
        path="identity/signing_keys.py",
        old="    if _is_weak(secret):",
        new="    if False:",
        tests=TOKENS,
    ),
    Mutant(
        name="a function starts with a weak key",
        path="identity/accounts_wiring.py",
        old="        start=parts.signing_keys.check,\n",
        new="",
        tests=TOKENS,
    ),
    Mutant(
        name="a stack that changes its store loses its keys",
        path="deploy/secrets.py",
        old="self._moved(short) or make()",
        new="make()",
        tests=("deploy/secrets",),
    ),
    Mutant(
        name="a stack is deployed with a weak key",
        path="deploy/secrets.py",
        old='        if any(is_weak(from_b64url(key["d"])) for key in signing):',
        new="        if False:",
        tests=("deploy/secrets",),
    ),
    Mutant(
        name="a published key signs",
        path="core/weak_keys.py",
        old="        or key in _PUBLISHED\n",
        new="",
        tests=TOKENS,
    ),
    Mutant(
        name="a short key is none too short",
        path="core/weak_keys.py",
        old="        len(key) < MIN_KEY_BYTES\n        or ",
        new="        ",
        tests=("core/weak_keys",),
    ),
    Mutant(
        name="a few bytes again and again are a key",
        path="core/weak_keys.py",
        old="        or len(set(key)) < _MIN_DISTINCT_BYTES\n",
        new="",
        tests=("core/weak_keys",),
    ),
    Mutant(
        name="a phrase is a key",
        path="core/weak_keys.py",
        old="        or _PRINTABLE.issuperset(key)\n",
        new="",
        tests=("core/weak_keys",),
    ),
    Mutant(
        name="counting is drawing",
        path="core/weak_keys.py",
        old="        or len(steps) == 1\n",
        new="",
        tests=("core/weak_keys",),
    ),
    Mutant(
        name="a published key verifies",
        path="identity/public_keys.py",
        old="if public in _PUBLISHED_EXAMPLES or _y_of(raw) in _SMALL_ORDER_YS:",
        new="if _y_of(raw) in _SMALL_ORDER_YS:",
        tests=TOKENS,
    ),
    Mutant(
        name="a key of small order verifies",
        path="identity/public_keys.py",
        old="if public in _PUBLISHED_EXAMPLES or _y_of(raw) in _SMALL_ORDER_YS:",
        new="if public in _PUBLISHED_EXAMPLES:",
        tests=TOKENS,
    ),
    Mutant(
        name="every unknown key id reads the store",
        path="identity/public_keys.py",
        old="pause = MAX_AGE if kid in self._keys else UNKNOWN_AFTER",
        new="pause = MAX_AGE if kid in self._keys else timedelta(0)",
        tests=TOKENS,
    ),
    Mutant(
        name="keys are believed for ever",
        path="identity/public_keys.py",
        old="pause = MAX_AGE if kid in self._keys else UNKNOWN_AFTER",
        new="pause = timedelta.max if kid in self._keys else UNKNOWN_AFTER",
        tests=TOKENS,
    ),
)
