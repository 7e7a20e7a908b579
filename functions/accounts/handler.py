"""Entry point: registration, sign-in, sessions and users."""

import os

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.identity.accounts_wiring import Neighbours, build_accounts_app
    from nightshift.tasks.farewell import build_farewell

neighbours = Neighbours(farewell=build_farewell(os.environ))
handler = build_accounts_app(os.environ, neighbours=neighbours)
