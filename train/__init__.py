"""Training: rollouts, PPO, self-play, evaluation, video and the command line."""
