"""Other ways to compute the same, one a file, each run in an environment and a process of its own."""
