"""Worlds: scene, physics, perception, rules and observations for W worlds at once."""

from . import catalogue, opengl  # noqa: F401  Named scenarios are there as soon as the package is.

opengl.import_mujoco()
