"""Calls to URLs that users supply, made so that they can never reach inside."""
