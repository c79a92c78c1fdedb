"""One file for each subcommand: its options, and what it calls. No logic of its own."""
