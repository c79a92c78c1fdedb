"""Schelling diagrams: what cooperating and defecting pay, against the number of others who cooperate."""
