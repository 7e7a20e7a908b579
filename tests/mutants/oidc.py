"""The safety conditions of signing in with providers, each removed in turn."""

from tests.mutants.model import Mutant

TOKENS = ("identity/oidc/id_token", "/contract/oidc_process", "/contract/oidc_hostile")
FLOWS = ("identity/oidc/flow", "identity/oidc/federation", "/contract/oidc_process")
PROVIDERS = ("identity/oidc/providers", "/contract/oidc_hostile")
FEDERATION = ("identity/oidc/federation", "identity/oidc/prehijacking")
LINKING = ("identity/oidc/linking",)
PAGES = ("identity/oidc/pages",)
STRANGERS = ("identity/oidc/prehijacking", "identity/api_keys")


def _token(name: str, old: str, new: str) -> Mutant:
    return Mutant(name=name, path="identity/oidc/id_token.py", old=old, new=new, tests=TOKENS)


def _flow(name: str, old: str, new: str, path: str = "flow") -> Mutant:
    return Mutant(name=name, path=f"identity/oidc/{path}.py", old=old, new=new, tests=FLOWS)


def _link(name: str, old: str, new: str) -> Mutant:
    return Mutant(name=name, path="identity/oidc/linking.py", old=old, new=new, tests=LINKING)


def _provider(name: str, path: str, old: str, new: str) -> Mutant:
    return Mutant(name=name, path=f"identity/oidc/{path}.py", old=old, new=new, tests=PROVIDERS)


def _federation(name: str, old: str, new: str) -> Mutant:
    path = "identity/oidc/federation.py"
    return Mutant(name=name, path=path, old=old, new=new, tests=FEDERATION)


OIDC = (
    _token(
        "an ID token of another issuer passes",
        '    if claims.get("iss") != asked.issuer:',
        "    if False:",
    ),
    _token("an ID token for others passes", "!= [asked.client_id]:", "== [None]:"),
    _token(
        "an ID token for us and others passes",
        "    if (audience if isinstance(audience, list) else [audience]) != [asked.client_id]:",
        "    if asked.client_id not in (audience if isinstance(audience, list) else [audience]):",
    ),
    _token(
        "an ID token of another party passes",
        '    if claims.get("azp", asked.client_id) != asked.client_id:',
        "    if False:",
    ),
    _token(
        "an ID token without a subject passes",
        "    if not isinstance(subject, str) or not is_subject(subject):",
        "    if False:",
    ),
    _token(
        "an expired ID token passes",
        "    if expires is None or now_s >= expires + leeway_s:",
        "    if False:",
    ),
    _token(
        "an ID token without an end passes",
        "    if expires is None or now_s >= expires + leeway_s:",
        "    if expires is not None and now_s >= expires + leeway_s:",
    ),
    _token("an old ID token passes", " or issued < now_s - leeway_s - MAX_AGE_S:", ":"),
    _token(
        "an ID token of tomorrow passes",
        "    if issued is None or issued > now_s + leeway_s or",
        "    if issued is None or",
    ),
    _token(
        "an ID token that is not yet valid passes",
        "        if begins is None or begins > now_s + leeway_s:",
        "        if False:",
    ),
    _token(
        "an ID token of another sign-in passes",
        '    if not _is(claims.get("nonce"), asked.nonce):',
        "    if False:",
    ),
    _token(
        "an ID token without a nonce passes",
        '    if not _is(claims.get("nonce"), asked.nonce):',
        '    if not _is(claims.get("nonce", asked.nonce), asked.nonce):',
    ),
    _token(
        "an ID token of another access token passes",
        '    if "at_hash" in claims and',
        "    if False and",
    ),
    _token("an ID token of a wrong signature passes", "    if not right:", "    if right is None:"),
    _token("an ID token of an unknown key passes", "    if not right:", "    if right is False:"),
    _token(
        "an ID token of a critical extension passes", '    if "crit" in header:', "    if False:"
    ),
    _token(
        "a token of another kind passes",
        '    if str(header.get("typ", "JWT")).upper() != "JWT":',
        "    if False:",
    ),
    _token(
        "an algorithm that nobody configured passes",
        '    if header.get("alg") not in asked.algorithms or header["alg"] not in ALGORITHMS:',
        '    if header.get("alg") not in ALGORITHMS:',
    ),
    Mutant(
        name="small RSA keys sign",
        path="identity/oidc/keyset.py",
        old='    if key["kty"] == "RSA" and loaded.key.key_size < MIN_RSA_BITS:',
        new="    if False:",
        tests=TOKENS,
    ),
    Mutant(
        name="any of two keys signs",
        path="identity/oidc/keyset.py",
        old="        return named[0] if len(named) == 1 else None",
        new="        return named[0] if named else None",
        tests=TOKENS,
    ),
    Mutant(
        name="keys for other things sign",
        path="identity/oidc/keyset.py",
        old='        key.get("use", "sig") == "sig"',
        new="        True",
        tests=TOKENS,
    ),
    _provider(
        "metadata of another issuer counts",
        "metadata",
        '    if document.get("issuer") != provider.issuer:',
        "    if False:",
    ),
    _provider(
        "a provider without PKCE is used",
        "metadata",
        '    if "S256" not in _texts(document, "code_challenge_methods_supported", ["S256"]):',
        "    if False:",
    ),
    _provider("metadata leads anywhere", "metadata", "    if wrong:", "    if False:"),
    _provider(
        "made-up keys make the keys be read each time",
        "library",
        "        if not self._may_ask_again(provider):",
        "        if False:",
    ),
    _provider(
        "a key under an old name is not followed",
        "service",
        "            return newer is not None and is_signed_by(newer, algorithm, signed, mac)",
        "            return False",
    ),
    _provider(
        "userinfo of somebody else counts",
        "backchannel",
        '            if document.json.get("sub") != claims["sub"]:',
        "            if False:",
    ),
    _provider(
        "half an answer counts",
        "wire",
        "answer.outcome is not Outcome.ANSWERED or answer.truncated:",
        "answer.outcome is not Outcome.ANSWERED:",
    ),
    Mutant(
        name="a cookie that we did not sign counts",
        path="identity/oidc/flow.py",
        old="        if not (is_ours and is_this)",
        new="        if not is_this",
        tests=PAGES,
    ),
    _flow(
        "an answer in another browser counts",
        "        if not (is_ours and is_this)",
        "        if not is_ours",
    ),
    _flow("a flow never ends", " or self._clock.now() >= ends_at:", ":"),
    _flow(
        "a flow ends at any provider",
        "        parts = provider_id.encode(), secret, end.encode(), said",
        "        parts = secret, end.encode(), said",
    ),
    _flow(
        "nonce and state are one", '            nonce=derived("nonce"),', "            nonce=state,"
    ),
    _flow(
        "a state is taken twice",
        "        if not self._states.spend(flow):",
        "        if False:",
        "service",
    ),
    _flow(
        "a state that another request takes is taken",
        '            return (refused.item or {}).get("spent_by") == me',
        "            return True",
        "store",
    ),
    Mutant(
        name="a lost answer uses a state up",
        path="identity/oidc/store.py",
        old='            return (refused.item or {}).get("spent_by") == me',
        new="            return False",
        tests=LINKING,
    ),
    _flow(
        "another provider may answer",
        "        if back.issuer != provider.issuer and (back.issuer or metadata.names_itself):",
        "        if False:",
        "service",
    ),
    _flow(
        "a provider need not name itself",
        "        if back.issuer != provider.issuer and (back.issuer or metadata.names_itself):",
        "        if back.issuer != provider.issuer and back.issuer:",
        "service",
    ),
    _flow(
        "an error beside a code is no error",
        "        if back.error or not back.code:",
        "        if not back.code:",
        "service",
    ),
    _flow("scripts read the cookie", "; HttpOnly", "", "desk"),
    _flow(
        "a neighbour's cookie counts",
        '        return HOST_PREFIX if self.base_url(raw).startswith("https://") else ""',
        '        return ""',
        "desk",
    ),
    _federation(
        "an unverified address comes in", "    if not identity.email_verified:", "    if False:"
    ),
    _federation(
        "an account that proved no address is linked",
        "        if not before.email_verified:",
        "        if False:",
    ),
    _federation(
        "a provider that may not link links",
        "        if not visit.provider.links_by_email:",
        "        if False:",
    ),
    _federation(
        "a provider that may not link verifies",
        "            email_verified=visit.provider.links_by_email,",
        "            email_verified=True,",
    ),
    _federation("a disabled user comes in", "        if user.disabled:", "        if False:"),
    _federation(
        "accounts are made while none are taken",
        "        if not self._may_register():",
        "        if False:",
    ),
    Mutant(
        name="a stranger's identity of before comes in",
        path="identity/oidc/federation.py",
        old=" and holder.epoch >= user.owned_epoch:",
        new=":",
        tests=STRANGERS,
    ),
    Mutant(
        name="an identity is taken from its user",
        path="identity/oidc/store.py",
        old='            expression="attribute_not_exists(pk) OR user_id IN (:me, :former)",',
        new='            expression="NOT user_id IN (:me, :former) OR NOT user_id = :me",',
        tests=(*FEDERATION, *LINKING),
    ),
    Mutant(
        name="a stranger's API key of before works",
        path="identity/authenticator.py",
        old="        if found.key.epoch < found.user.owned_epoch:",
        new="        if False:",
        tests=STRANGERS,
    ),
    Mutant(
        name="a change of address outlives a new password",
        path="identity/recovery.py",
        old='            pending_email="",\n',
        new="",
        tests=STRANGERS,
    ),
    Mutant(
        name="a new password leaves what strangers made",
        path="identity/recovery.py",
        old="email_verified=True, owned_epoch=after.epoch)",
        new="email_verified=True)",
        tests=STRANGERS,
    ),
    _link(
        "an unverified account links", "        if not user.email_verified:", "        if False:"
    ),
    _link(
        "an unverified identity is linked",
        "            if not identity.email_verified:",
        "            if False:",
    ),
    _link(
        "an old session links",
        "        if now - found[1].created_at >= self._fresh_for:",
        "        if False:",
    ),
    _link(
        "an ended session links",
        "        if found is None or not found[1].is_live(found[0], now):",
        "        if found is None:",
    ),
    _link(
        "the last way in goes",
        "            if not before.password_hash and not self._usable(found, but=chosen):",
        "            if False:",
    ),
    _link(
        "a way in that nobody opens counts",
        "        return any(one is not but and one.issuer in issuers for one in found)",
        "        return any(one is not but for one in found)",
    ),
    _link(
        "another's identity is linked",
        "        if other is not None and holder.epoch >= other.owned_epoch:",
        "        if False:",
    ),
    _link("removing leaves other sessions", "epoch=before.epoch + 1)", "epoch=before.epoch)"),
    _link(
        "two changes at one moment are one",
        "        change=ground.random(CHANGE_BYTES).hex(),\n",
        "",
    ),
    _link(
        "identities have no number",
        "            if len(self._identities(before)) >= MAX_IDENTITIES:",
        "            if False:",
    ),
    Mutant(
        name="an answer for linking signs in",
        path="identity/oidc/door.py",
        old="        if errand.user_id:",
        new="        if False:",
        tests=LINKING,
    ),
    Mutant(
        name="a way leads to another site",
        path="identity/oidc/ways.py",
        old=r'"/(?![/\\])[!-\[\]-~]*"',
        new=r'"/[!-~]*"',
        tests=PAGES,
    ),
    Mutant(
        name="a way holds what browsers drop",
        path="identity/oidc/ways.py",
        old=r'"/(?![/\\])[!-\[\]-~]*"',
        new=r'"/(?![/\\])[\\s!-\[\]-~]*"',
        tests=PAGES,
    ),
    Mutant(
        name="a way is not looked at",
        path="identity/oidc/schemas.py",
        old="    if text and not is_way(text):",
        new="    if False:",
        tests=PAGES,
    ),
)
