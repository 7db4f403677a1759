"""How what is served is doing, for those who keep it running: health, metrics, passwords."""
