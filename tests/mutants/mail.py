"""The safety conditions of mail, each removed in turn."""

from tests.mutants.model import Mutant

SENDING = ("email/sending", "email/faults")
EVENTS = ("email/events", "/contract/email_api")
MESSAGES = ("email/messages",)

MAIL = (
    Mutant(
        name="a suppressed address is written to",
        path="email/jobs.py",
        old="        if self._suppressions.find(address) is not None:",
        new="        if False:",
        tests=SENDING,
    ),
    Mutant(
        name="what nobody wants is sent",
        path="email/jobs.py",
        old="        if not reader.wants(CATEGORY_OF.get(template)):",
        new="        if False:",
        tests=SENDING,
    ),
    Mutant(
        name="notices go to anybody's address",
        path="email/jobs.py",
        old="        if template in NOTICES and not reader.verified:",
        new="        if False:",
        tests=SENDING,
    ),
    Mutant(
        name="a dead link is mailed",
        path="email/jobs.py",
        old="        if expires_at is not None and expires_at <= self._clock.now():",
        new="        if False:",
        tests=SENDING,
    ),
    Mutant(
        name="mail goes to who is gone",
        path="email/jobs.py",
        old=("        if reader is None:\n            return self._done(job, Sent.NO_RECIPIENT)\n"),
        new="",
        tests=SENDING,
    ),
    Mutant(
        name="a sent mail is sent again",
        path="email/jobs.py",
        old=(
            "        if claim.was_sent:\n"
            "            return self._done(job, Sent.ALREADY_SENT)\n"
            "        if not claim.granted:"
        ),
        new="        if False:",
        tests=SENDING,
    ),
    Mutant(
        name="a mail is handed over without end",
        path="email/store.py",
        old=(
            '                "(attribute_not_exists(handovers) OR handovers < :most)",\n'
            '                values={":most": MAX_HANDOVERS},'
        ),
        new='                "attribute_exists(pk)",',
        tests=SENDING,
    ),
    Mutant(
        name="a lost claim is lost",
        path="email/store.py",
        old='            return Claim(granted=item.get("claim") == token)',
        new="            return Claim(granted=False)",
        tests=("email/faults", "email/sending"),
    ),
    Mutant(
        name="a failure that is certain keeps its claim",
        path="email/jobs.py",
        old="            if error.certain:\n",
        new="            if False:\n",
        tests=SENDING,
    ),
    Mutant(
        name="a failure in doubt frees its claim",
        path="email/jobs.py",
        old="            if error.certain:\n",
        new="            if True:\n",
        tests=SENDING,
    ),
    Mutant(
        name="another one's claim is taken back",
        path="email/store.py",
        old=(
            'condition=Condition(expression="claim = :token", values={":token": token}),\n'
            '            values={":less": -1},'
        ),
        new='values={":less": -1},',
        tests=SENDING,
    ),
    Mutant(
        name="the same mail is asked for twice",
        path="email/store.py",
        old=("            condition=NOT_EXISTS,\n        )\n\n    def claim"),
        new=("        )\n\n    def claim"),
        tests=SENDING,
    ),
    Mutant(
        name="a mail waits in clear",
        path="email/service.py",
        old="sealed=bool(wish.to)",
        new="sealed=False",
        tests=SENDING,
    ),
    Mutant(
        name="a seal fits any mail",
        path="email/service.py",
        old='return f"{mail_id}|{template}"',
        new='return ""',
        tests=SENDING,
    ),
    Mutant(
        name="a secret is a notice",
        path="email/service.py",
        old="        if template not in NOTICES:",
        new="        if False:",
        tests=SENDING,
    ),
    Mutant(
        name="an old mail key opens nothing",
        path="email/sealing.py",
        old=("        for key in self._keys():\n            try:"),
        new=("        for key in self._keys()[:1]:\n            try:"),
        tests=SENDING,
    ),
    Mutant(
        name="a link to unsubscribe can be made up",
        path="email/sealing.py",
        old="        if not any(same(_mac(key, text), given) for key in self._keys()):",
        new="        if False:",
        tests=("/contract/email_api",),
    ),
    Mutant(
        name="a link to unsubscribe ends with its key",
        path="email/sealing.py",
        old="        if not any(same(_mac(key, text), given) for key in self._keys()):",
        new="        if not same(_mac(self._keys()[0], text), given):",
        tests=("/contract/email_api",),
    ),
    Mutant(
        name="any signed text unsubscribes",
        path="email/unsubscribe.py",
        old=("            if label != _LABEL:\n                raise UnsubscribeTokenError\n"),
        new="",
        tests=("/contract/email_api",),
    ),
    Mutant(
        name="a passing failure suppresses",
        path="email/events.py",
        old='    if bounce.get("bounceType") != "Permanent":',
        new="    if False:",
        tests=EVENTS,
    ),
    Mutant(
        name="out of the spam folder is a complaint",
        path="email/events.py",
        old='    if kind == "not-spam":',
        new="    if False:",
        tests=EVENTS,
    ),
    Mutant(
        name="a second bounce is the first",
        path="email/suppression.py",
        old="                condition=NOT_EXISTS,\n",
        new="",
        tests=EVENTS,
    ),
    Mutant(
        name="an unreadable recipient stops the rest",
        path="email/events.py",
        old=("    except BadAddressError:\n        return None"),
        new=("    except ZeroDivisionError:\n        return None"),
        tests=EVENTS,
    ),
    Mutant(
        name="what cannot be seen stays in headers",
        path="email/messages.py",
        old='    kept = (c if unicodedata.category(c)[0] != "C" else " " for c in text)',
        new="    kept = text",
        tests=MESSAGES,
    ),
    Mutant(
        name="encoded words are decoded",
        path="email/messages.py",
        old='.replace("=?", "= ?")',
        new="",
        tests=MESSAGES,
    ),
    Mutant(
        name="a password goes over the wire in clear",
        path="adapters/mail_smtp.py",
        old=(
            '            if server.security == "starttls":\n'
            "                connection.starttls(context=tls)\n"
        ),
        new="",
        tests=("/contract/mail_port",),
    ),
    Mutant(
        name="any certificate will do",
        path="adapters/mail_smtp.py",
        old="tls = self._server, self._tls or ssl.create_default_context()",
        new="tls = self._server, ssl._create_unverified_context()",
        tests=("/contract/mail_port",),
    ),
    Mutant(
        name="a refusal is no refusal for good",
        path="adapters/mail_smtp.py",
        old='    return MailRefusedError(f"The mail server answered {code}.")\n',
        new='    return MailUnavailableError(f"The mail server answered {code}.")\n',
        tests=("/contract/mail_port",),
    ),
    Mutant(
        name="what may have been taken certainly was not",
        path="adapters/mail_smtp.py",
        old="            raise MailUncertainError from error",
        new="            raise MailUnavailableError from error",
        tests=("/contract/mail_port",),
    ),
)
