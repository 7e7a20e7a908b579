"""Generators of cards that run inside the process."""
