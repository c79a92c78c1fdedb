"""Worlds: scene, physics, perception, rules and observations for W worlds at once. No policies, no learning."""

from .rendering import opengl

opengl.import_mujoco()
