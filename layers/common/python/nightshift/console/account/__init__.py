"""The pages of accounts: what mails lead to, registering, sessions, and one's own account."""
