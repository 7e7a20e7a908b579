"""The safety conditions of the pages of accounts, each removed in turn."""

from tests.mutants.model import Mutant

RECOVERY = ("/contract/recovery_pages",)
ACCOUNT = ("/contract/account_pages", "/contract/account_ways")
REGISTER = ("/contract/register_pages",)
OTHERS = ("identity/ending_others",)

PAGES = (
    Mutant(
        name="a form is good in whatever browser",
        path="console/strangers.py",
        old='        self._guard.check_token(_holder(shown), request.form.get(TOKEN_FIELD, ""))\n',
        new="",
        tests=RECOVERY,
    ),
    Mutant(
        name="the page after a mailed link learns its address",
        path="console/account/recovery.py",
        old='"strict-origin"',
        new='"same-origin"',
        tests=RECOVERY,
    ),
    Mutant(
        name="a session that is carried on takes a mailed link along",
        path="console/account/recovery.py",
        old="stranger_route(method, path, handler, knows_visitor=False, limit=limit)",
        new="stranger_route(method, path, handler, limit=limit)",
        tests=RECOVERY,
    ),
    Mutant(
        name="one network asks for as much mail as it likes",
        path="console/account/recovery.py",
        old=", self.forget, limit=self._mails)",
        new=", self.forget)",
        tests=RECOVERY,
    ),
    Mutant(
        name="one network makes as many accounts as it likes",
        path="console/account/register.py",
        old=", self.register, limit=self._made)",
        new=", self.register)",
        tests=REGISTER,
    ),
    Mutant(
        name="registering leaves the session of before",
        path="console/account/register.py",
        old="            self._door().end(request.caller, client_of(request.raw))\n",
        new="            pass\n",
        tests=REGISTER,
    ),
    Mutant(
        name="another site has it said that something was done",
        path="console/account/page.py",
        old='request.query.get("done", "") if request.is_from_here else ""',
        new='request.query.get("done", "")',
        tests=ACCOUNT,
    ),
    Mutant(
        name="an account is deleted without its password",
        path="console/account/acts.py",
        old=(
            "            found.recovery.check_current("
            'user, password, actor.client, action="user.delete")\n'
        ),
        new="            assert password\n",
        tests=ACCOUNT,
    ),
    Mutant(
        name="an account without a password is deleted by a slip",
        path="console/account/acts.py",
        old="            _confirm(request, user.email)\n",
        new="            pass\n",
        tests=ACCOUNT,
    ),
    Mutant(
        name="the second of two windows overwrites the first",
        path="console/account/acts.py",
        old="said.name, expected_version=_version(request)",
        new="said.name, expected_version=None",
        tests=ACCOUNT,
    ),
    Mutant(
        name="ending the others ends the present session",
        path="identity/sessions.py",
        old="change_user(before, after, staying=staying)",
        new="change_user(before, after)",
        tests=OTHERS,
    ),
    Mutant(
        name="of two that end each other both believe to stay",
        path="identity/sessions.py",
        old="epoch=before.epoch + 1, change=token)",
        new="epoch=before.epoch + 1)",
        tests=OTHERS,
    ),
    Mutant(
        name="a session that has ended ends others",
        path="identity/sessions.py",
        old="            if found is None or not found[1].is_live(found[0], self._ground.now()):\n",
        new="            if found is None:\n",
        tests=OTHERS,
    ),
)
