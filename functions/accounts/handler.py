"""Entry point: accounts, sign-in (by pages too), sessions, roles, API keys, settings, audit."""

import os

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.accounts_wiring import build_accounts_function

handler = build_accounts_function(os.environ)
