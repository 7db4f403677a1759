"""What readings of devices should look like."""
