"""One real implementation and one fake for each port."""
