"""What tests stand on: in-memory AWS services that are exact, metered and breakable."""
