"""MJCF fragments: the XML holds the physics of each body; envs/scene/scene.py puts the fragments together."""

from pathlib import Path

ASSETS_PATH = Path(__file__).parent
"""Folder of the MJCF fragments."""
