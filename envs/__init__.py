"""Worlds: scene, physics, perception, rules and observations for W worlds at once."""

from . import catalogue  # noqa: F401  Named scenarios are there as soon as the package is.
