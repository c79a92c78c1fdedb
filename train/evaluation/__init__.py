"""Matches between players, and what can be said of their numbers: intervals, ratings, tables, plots."""
