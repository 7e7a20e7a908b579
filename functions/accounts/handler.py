"""Entry point: accounts, sign-in, sessions, roles, API keys, settings and the audit log."""

import os

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.accounts_wiring import build_accounts_app

handler = build_accounts_app(os.environ)
