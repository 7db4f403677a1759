"""Where it runs: the same description on different engines, one file each."""
