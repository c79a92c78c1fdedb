"""Pictures and videos of episodes. What they show is in train/play; the live page is in train/viewer."""
