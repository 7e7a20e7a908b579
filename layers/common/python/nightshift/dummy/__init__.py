"""The dummy webhook: a receiver for development that fails now and then."""
