"""Replays reference trajectories of the original rules against this implementation."""
