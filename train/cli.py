"""The ``hideseek`` command: one module per subcommand in ``train/commands``, imported only when it is asked for."""

from __future__ import annotations

import importlib
import io
import os
import sys

from envs.errors import UserError, did_you_mean

COMMANDS = {
    "train": "learn by self-play, or continue a run with --resume",
    "evaluate": "play a trained policy against random play, or several against each other, with intervals and ratings",
    "sweep": "train variants of a configuration with several seeds each, and compare them",
    "exploit": "train a best response against one side of a policy, and tell how much it gains",
    "imitate": "learn from episode files what people, scripts or policies did",
    "transfer": "learn the paper's five test tasks from a policy's weights and from scratch, and compare",
    "stages": "tell which strategies a run's checkpoints play, with curves and videos",
    "reproduce": "run the settings of papers on social games, and show their results beside ours",
    "video": "show episodes as mp4, webm or gif",
    "record": "write episodes to a file: layouts, states, actions, rewards",
    "watch": "live viewer in the browser: look closely, exchange players, play yourself",
    "stats": "plot the behaviour in episode files",
    "export": "write a policy as ONNX or as arrays for NumPy, for other programs",
    "scene": "write a scenario's MuJoCo XML",
    "bench": "measure env steps per second of every part, in one run",
    "conformance": "replay reference trajectories against this implementation",
    "list": "show scenarios and presets",
}
"""Subcommands and what they do, in the order of the help."""

_USAGE = "usage: hideseek COMMAND [...]"
_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit status.

    0: done. 2: a mistake in the request, told in one line on stderr. 130: interrupted by Ctrl-C.

    Args:
      arguments: the words after ``hideseek``; None takes them from the process.
    """
    words = sys.argv[1:] if arguments is None else arguments
    # Before torch is imported. Waiting torch threads that spin, the default, take the cores from physics threads: with
    # two of each on two shared cores a rollout took 3 to 14 times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if isinstance(sys.stdout, io.TextIOWrapper):  # A file's name may be of bytes that are no text.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(words)
    except UserError as error:
        _print_error(str(error))
        return 2
    except SystemExit as error:  # the argument parser has printed its message
        return error.code if isinstance(error.code, int) else 2
    except KeyboardInterrupt:
        _print_error("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as in `hideseek list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _dispatch(words: list[str]) -> int:
    """Find the command's module and run it."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0 if words else 2
    name, *rest = words
    if name in ("-V", "--version"):
        print(f"hideseek {_version()}")
        return 0
    if name not in COMMANDS:
        raise UserError(f"unknown command '{name}'{did_you_mean(name, COMMANDS)}; 'hideseek --help' shows all")
    module_name = f"{__package__ or 'train'}.commands.{name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise UserError(f"the command '{name}' is not part of this version") from None
    return module.run(rest) or 0


def _help() -> str:
    lines = [_USAGE, "", "Agents learn hide-and-seek with movable boxes and ramps by playing against themselves.", ""]
    lines += [f"  {name:<12} {text}" for name, text in COMMANDS.items()]
    lines += ["", "'hideseek COMMAND --help' shows the options. To start: hideseek train quickstart"]
    return "\n".join(lines)


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("hideseek")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _print_error(message: str) -> None:
    rank = os.environ.get("RANK", "0")  # Of this process among those that torchrun started.
    start = "error" if rank == "0" else f"error (rank {rank})"
    print(f"{start}: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
