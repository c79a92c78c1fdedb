"""Recordings of the original, replayed and compared."""
