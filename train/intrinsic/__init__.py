"""Intrinsic motivation: rewards for what is new, without an opponent or a task (the paper's section 6.1)."""
