"""Entry point: the HTTPS API but for accounts."""

import os

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.api_wiring import build_api_app

handler = build_api_app(os.environ)
