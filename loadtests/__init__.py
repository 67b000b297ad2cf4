"""Load tests: who comes, how many, what they must be given, and a report of the run."""
