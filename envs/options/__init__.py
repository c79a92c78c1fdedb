"""What options may be: ranges of numbers, and the groups of options that only some games or arenas use."""
