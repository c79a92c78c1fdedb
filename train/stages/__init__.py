"""Which of the paper's strategies are played: a detector for each, and the report over checkpoints."""
