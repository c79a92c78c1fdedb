"""Sweeps: variants of a configuration times seeds, compared."""
