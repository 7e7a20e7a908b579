"""The cache: what is slow to make, kept with its age, in the process and in a table."""
