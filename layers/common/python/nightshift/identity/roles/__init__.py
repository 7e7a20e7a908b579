"""Roles: which there are, who holds them, and who may give them."""
