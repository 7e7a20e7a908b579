"""Settings that people change while the stack runs: the server's and each user's own.

What the stack is built with (lifetimes of sessions, cost of password hashes, retention) is no such
setting: it comes from the deployment, see `docs/settings.md`, so that nobody who got hold of an
administrator's session can weaken it.
"""
