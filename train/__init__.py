"""Training: rollouts, PPO, self-play, evaluation, video and the command line."""

import envs  # noqa: F401  Before MuJoCo: see envs/rendering/opengl.py.
