"""Worlds: scene, physics, perception, rules and observations for W worlds at once. No policies, no learning."""

import assets

from .rendering.opengl import import_mujoco

if not hasattr(assets, "ASSETS_PATH"):
    raise ImportError(
        f"'import assets' finds {assets.__file__}, which is in the way of this project's: rename yours (hideseek.envs "
        f"cannot do without)"
    )
import_mujoco()
