"""Other libraries' environment interfaces: one thin file per library, on top of ``BatchEnv`` or a social game.

``pettingzoo_env``, ``pettingzoo_social`` and ``gymnasium_env`` need those packages (``pip install hideseek[api]``);
``dm_env_adapter`` needs nothing more. dm_control, whose viewer shows it, is not needed and is there on Python 3.12 and
older. Everything that they share is in ``single_world`` and ``spaces``.
"""
