"""Running the functions of the work tree locally: a pool of forked workers for each."""
