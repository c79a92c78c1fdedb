"""Which strategies agents play, told from what they do: see docs/stages.md."""
