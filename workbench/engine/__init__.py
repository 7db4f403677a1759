"""How it is computed: vectorised and synchronous, with numpy and pandas only."""
