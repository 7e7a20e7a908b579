"""Entry point: the pages that a person looks at."""

import os

from nightshift.core.startup import quick_imports

with quick_imports():
    from nightshift.console.wiring import build_console_app

handler = build_console_app(os.environ)
