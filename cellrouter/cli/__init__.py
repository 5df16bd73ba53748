"""The operator's tool, ``cellrouter``."""
