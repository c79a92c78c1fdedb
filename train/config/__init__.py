"""Every dataclass of options of a run, presets, and what files and flags change in them. Nothing that runs."""
