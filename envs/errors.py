"""The one exception type for mistakes a user can make and mend."""


class UserError(ValueError):
    """A mistake in what the user asked for.

    Its message is a single line that says what is wrong and what to do. The command line prints it and exits with
    status 2; library users see an ordinary ``ValueError``.
    """
