"""Nightshift: the background half of an application, serverless."""

__version__ = "0.1.0"
