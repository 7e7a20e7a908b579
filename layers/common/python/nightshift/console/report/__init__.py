"""The page of a report on what somebody did on GitHub."""
