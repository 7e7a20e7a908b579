"""API keys: bearer tokens for programs, with a part of their owner's permissions."""
