"""Players that follow a script: they know the whole state of the worlds, and remember nothing."""

from .scripted_player import SCRIPTS, ScriptedPlayer, script_actions, script_done

__all__ = ["SCRIPTS", "ScriptedPlayer", "script_actions", "script_done"]
