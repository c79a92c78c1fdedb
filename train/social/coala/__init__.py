"""Agents that know that others learn: COALA-PG and what it is compared with."""
