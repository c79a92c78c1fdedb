"""Transfer tests: what a policy that learned hide-and-seek brings to other tasks (the paper's section 6.2)."""
