"""One module per subcommand of ``hideseek``. Each has ``run(arguments) -> int | None``, the exit status (None is 0)."""
