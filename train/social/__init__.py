"""Learners of social games, and the studies that compare them with what was published."""
