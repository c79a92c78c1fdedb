"""The live viewer: a page in the browser, served over HTTP, with pictures that MuJoCo draws here.

controls.py        keys of a human player -> actions
player_choice.py   who can play: checkpoints, random, motionless
live_world.py      a world that is played now by policies or a human, and whose things can be moved by mouse
recorded.py        the same for recorded episodes
viewer.py          the loop: commands in, time, steps, pictures out
page_commands.py   what the arguments of a command may be
page_state.py      what the page is told besides the picture
inbox.py           what other threads want done by the loop
server.py          HTTP: the page, frames, commands
access.py          whose requests are refused
page/              what the browser shows
"""
