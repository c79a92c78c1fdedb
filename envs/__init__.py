"""Worlds: scene, physics, perception, rules and observations for W worlds at once. No policies, no learning."""

from .rendering.opengl import import_mujoco

import_mujoco()
