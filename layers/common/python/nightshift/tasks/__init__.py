"""Scheduled tasks: webhooks that are called at the slots of a schedule."""
