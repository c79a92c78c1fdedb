"""Ladders: runs that follow each other, each from the weights of the one before, as soon as a strategy is played."""
