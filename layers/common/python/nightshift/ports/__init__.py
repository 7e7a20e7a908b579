"""Protocols for effects on the outside world; one module each, no implementation."""
