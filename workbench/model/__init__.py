"""What, where, when and how: the description of a pipeline; no state, no input or output."""
