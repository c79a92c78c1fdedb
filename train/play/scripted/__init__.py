"""Players that follow a script: they know the whole state of the worlds, and remember nothing."""

from .scripted_player import SCRIPTS, Script, ScriptedPlayer, register_script, script_actions, script_done
from .situation import Situation
from .steering import Steering

__all__ = [
    "SCRIPTS",
    "Script",
    "ScriptedPlayer",
    "Situation",
    "Steering",
    "register_script",
    "script_actions",
    "script_done",
]
