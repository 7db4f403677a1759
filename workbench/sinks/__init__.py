"""Where rows go: one file a kind of sink."""
