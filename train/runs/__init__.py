"""What a run leaves behind: its folder, checkpoints, policies, metrics and alarms."""
