"""Pictures and videos of episodes. What they show is in train/play; windows and pages are in train/viewer."""
