"""The physics contract and its engines."""
