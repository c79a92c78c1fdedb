"""PPO: rollouts, advantages, loss, optimisers. It knows neither worlds nor files."""
