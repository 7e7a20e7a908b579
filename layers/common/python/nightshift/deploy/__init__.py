"""What a deployment does once for its stack: secrets that nobody has to make by hand."""
