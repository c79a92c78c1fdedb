"""Training commands in processes of their own, which start quickly because one server has imported everything
before."""

import contextlib
import itertools
import multiprocessing
import os
import signal
import socket
import sys
from pathlib import Path

from train.cli import main
from train.support import files

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["train.commands.train"])


class Command:
    """One running ``hideseek`` command; what it prints goes to files.

    With ``dies_at`` = n it kills itself by SIGKILL at its nth change of a file: in the middle of writing the contents
    of a temporary file, or just before a file is renamed or deleted.
    """

    def __init__(self, words, folder, environment=None, dies_at=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.outputs = [folder / "stdout", folder / "stderr"]
        arguments = ([str(word) for word in words], self.outputs, environment or {}, dies_at)
        self._process = _CONTEXT.Process(target=_run, args=arguments)
        self._process.start()

    @property
    def running(self):
        return self._process.is_alive()

    def kill(self):
        """SIGKILL."""
        self._process.kill()
        self._process.join()

    def wait(self, seconds=120):
        """Return exit status, stdout and stderr."""
        self._process.join(seconds)
        if self._process.is_alive():
            self.kill()
            raise AssertionError(f"still running after {seconds} s: {self.outputs[1].read_text()}")
        return self._process.exitcode, *(path.read_text() for path in self.outputs)


def run_ranks(words, count, folder):
    """Run one command in ``count`` processes that know of each other as torchrun tells them; return what each gave."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    commands = [
        Command(words, folder / f"rank{rank}", shared | {"RANK": rank, "LOCAL_RANK": rank}) for rank in range(count)
    ]
    return [command.wait() for command in commands]


def _run(words, outputs, environment, dies_at):
    if dies_at is not None:
        die_at(dies_at)
    os.environ.update({name: str(value) for name, value in environment.items()})
    with contextlib.ExitStack() as stack:
        for stream, path in zip((1, 2), outputs, strict=True):
            os.dup2(stack.enter_context(open(path, "a")).fileno(), stream)
        sys.exit(main(words))


def die_at(number):
    """Let this process die at its nth change of a file."""
    numbers = itertools.count(1)

    def mortal(change, last_deed=lambda *_: None):
        def die_or_change(*args, **options):
            if next(numbers) == number:
                last_deed(*args)
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*args, **options)

        return die_or_change

    files._write_to_disk = mortal(files._write_to_disk, lambda path, data: path.write_bytes(data[: len(data) // 2]))
    os.replace = mortal(os.replace)
    Path.unlink = mortal(Path.unlink)
