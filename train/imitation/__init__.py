"""Imitation: policies that learn from episode files what people, scripts or other policies did."""
