"""Errors, ids, clocks, tokens and pagination: pure, standard library only."""
