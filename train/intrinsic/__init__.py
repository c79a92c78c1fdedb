"""Rewards for what is new. Their options are in train/config."""
