"""The Trading Game: agents that learn in it, beside what is published of the grid version."""
