"""Training: rollouts, PPO, self-play, evaluation, video and the command line."""

from .launcher.own_packages import require_own

require_own("assets", "envs", "policies")
