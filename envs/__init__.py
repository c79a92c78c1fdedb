"""Worlds: scene, physics, perception, rules and observations for W worlds at once. No policies, no learning."""

from hideseek import require_own

require_own("assets")
