"""Safety conditions, each removed in turn: a test must fall. See `python -m tests.mutants`."""
