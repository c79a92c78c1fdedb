"""How reputations and norms arise among Q-learners (Anastassacos et al., AAMAS 2021)."""
