"""Code that runs in a forked child of the test's process."""

import multiprocessing
import traceback


def in_a_fork(function, seconds=60):
    """Return what a function returns in a forked child, which must end in time; what it raises is a failure here."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_report, args=(function, there))
    child.start()
    there.close()
    try:
        assert here.poll(seconds), f"the child hangs after {seconds} s"
        worked, result = here.recv()
        assert worked, result
        return result
    finally:
        child.kill()
        child.join()


def _report(function, pipe):
    try:
        pipe.send((True, function()))
    except BaseException:
        pipe.send((False, traceback.format_exc()))
