"""Training: rollouts, PPO, self-play, evaluation, video and the command line."""

from hideseek import require_own

require_own("assets", "envs", "policies")
