"""Entry point: the HTTPS API but for accounts."""

import os

from nightshift.tasks.api_wiring import build_api_app

handler = build_api_app(os.environ)
