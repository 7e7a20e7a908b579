"""A stand-in of GitHub's REST API, for development and tests: the same people every day."""
