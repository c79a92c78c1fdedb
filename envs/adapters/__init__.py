"""Other libraries' environment interfaces on top of ``BatchEnv``: one thin file per library.

``pettingzoo_env`` and ``gymnasium_env`` need those packages (``pip install hideseek[api]``); ``dm_env_adapter`` needs
nothing more. dm_control, whose viewer shows it, is not needed and is there on Python 3.12 and older. Everything that
they share is in ``single_world`` and ``spaces``.
"""
