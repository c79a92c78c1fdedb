"""A study's folder: what was asked for, and the pieces that are done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from envs.errors import UserError

from ..support.files import leftovers, make_folder, remove_leftovers, write_json
from ..support.json_data import read_object, to_plain
from ..support.workers import run_all
from .study import Piece, StopStudyError, Study, StudyArguments

_NOT_ASKED = ("run_dir", "json_file", "jobs")
"""Arguments that change nothing of what is found."""


@dataclass(frozen=True)
class Told:
    """What a piece has told of itself."""

    piece: str
    """Its name."""
    share: float
    """Of it that is done."""
    words: str
    """Anything else."""


class StudyFolder:
    """Where a study is kept.

    Args:
      path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock_file = path / ".lock"
        self._request = path / "request.json"

    def require_fit(self, study: Study, arguments: StudyArguments) -> None:
        """Check that the folder holds the same study, or nothing.

        Raises:
          UserError: it holds another one, or something else.
        """
        if self._request.is_file():
            _require_same(read_object(self._request), request(study, arguments), self.path)
        elif self.path.exists() and not self._is_free():
            raise UserError(f"{self.path} already exists and holds no study; choose another --run-dir")

    def begin(self, study: Study, arguments: StudyArguments) -> None:
        """Write what is asked for, once nobody else can.

        Raises:
          UserError: as of ``require_fit``; or it cannot be written.
        """
        self.require_fit(study, arguments)
        make_folder(self.path / "pieces")
        write_json(self._request, request(study, arguments))

    def _is_free(self) -> bool:
        """Whether there is nothing but what a study left that was killed while it began."""
        mine = {"pieces", self.lock_file.name, *(entry.name for entry in leftovers(self.path))}
        return self.path.is_dir() and {entry.name for entry in self.path.iterdir()} <= mine

    def file(self, name: str) -> Path:
        """Return the file that a piece leaves when it is done."""
        return self.path / "pieces" / f"{name}.json"

    def is_done(self, piece: Piece) -> bool:
        """Whether a piece needs nothing more."""
        return self.file(piece.name).is_file()

    def result(self, piece: Piece) -> Any:
        """Return what a finished piece has found.

        Raises:
          UserError: the file is damaged; says that it may be deleted.
        """
        file = self.file(piece.name)
        try:
            return read_object(file)["result"]
        except (UserError, KeyError) as error:
            words = error if isinstance(error, UserError) else f"{file} has no 'result'"
            raise UserError(f"{words}; delete it to do that piece again") from error

    def work(
        self,
        pieces: Sequence[Piece],
        jobs: int,
        tell: Callable[[Told], None],
        finished: Callable[[Piece], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Do what is left of the pieces, ``jobs`` at a time. Returns whether all are done.

        Raises:
          UserError: a piece failed.
        """
        make_folder(self.path / "pieces")
        remove_leftovers(self.path / "pieces")
        left = [piece for piece in pieces if not self.is_done(piece)]
        return run_all(left, partial(_do, self.path), jobs, tell, finished, stop)


def _do(path: Path, piece: Piece, tell: Callable[[Told], None], stop: Callable[[], bool]) -> bool:
    """Do a piece and keep what it found. Returns whether it is done."""

    def progress(share: float, words: str = "") -> None:
        tell(Told(piece.name, share, words))
        if stop():
            raise StopStudyError

    try:
        result = piece.function(progress)
    except StopStudyError:
        return False
    write_json(StudyFolder(path).file(piece.name), {"piece": piece.name, "result": result})
    return True


def request(study: Study, arguments: StudyArguments) -> dict[str, Any]:
    """Return what decides what a study finds, as JSON values."""
    asked = {name: value for name, value in to_plain(arguments).items() if name not in _NOT_ASKED}
    return {"study": study.name, **asked}


def _require_same(have: dict[str, Any], want: dict[str, Any], path: Path) -> None:
    for name in have | want:
        if have.get(name) != want.get(name):
            option = "the study" if name == "study" else f"--{name.replace('_', '-')}"
            raise UserError(
                f"{path} holds another study: {option} is {have.get(name)} there, not {want.get(name)}; "
                "choose another --run-dir"
            )
