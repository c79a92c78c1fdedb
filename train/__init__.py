"""Training: rollouts, PPO, self-play, evaluation, video and the command line."""

import importlib

from .launcher.own_packages import require_own

require_own("assets", "envs", "policies")
importlib.import_module("envs")  # Before MuJoCo: see envs/rendering/opengl.py.
