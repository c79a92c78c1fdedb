"""One file per game: config, layout, rewards, end and statistics."""
