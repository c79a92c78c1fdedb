"""Episode starts: walls, sizes, counts and positions."""
