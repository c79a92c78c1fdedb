"""The live viewer: a page in the browser, served over HTTP, with pictures that MuJoCo draws here.

controls.py   keys of a human player -> actions
roster.py     who can play: checkpoints, random, motionless
live.py       a world that is played now; its hands are policies or a human, and things can be moved by mouse
replay.py     the same for recorded episodes
viewer.py     the loop: commands in, time, steps, pictures out
server.py     HTTP: the page, frames, commands
page/         what the browser shows
"""
