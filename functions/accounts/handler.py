"""Entry point: registration, sign-in, sessions and users; and sign-in by pages."""

import os

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.console.accounts_wiring import build_accounts_function

handler = build_accounts_function(os.environ)
