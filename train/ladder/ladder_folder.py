"""The folder of a ladder: what was asked for, and a run folder for each rung that was begun."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envs.errors import UserError

from ..runs.run_folder import RunFolder
from ..support.files import make_folder, write_json
from ..support.json_data import from_plain, read_object, to_plain

_FILE = "ladder.json"


@dataclass(frozen=True)
class LadderState:
    """What ``ladder.json`` holds."""

    ladder: str
    """Name of the ladder."""
    configs: dict[str, Any] = field(default_factory=dict)
    """Name of a rung -> the configuration with which it begins: all that was given until then counts."""
    reached: dict[str, int] = field(default_factory=dict)
    """Name of a rung that was reached -> iterations that it took."""


class LadderFolder:
    """Where a ladder is climbed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether a ladder was begun here."""
        return (self.path / _FILE).is_file()

    def read(self) -> LadderState:
        """Return how far it was.

        Raises:
          UserError: the file is damaged.
        """
        return from_plain(LadderState, read_object(self.path / _FILE), str(self.path / _FILE))

    def write(self, state: LadderState) -> None:
        """Note how far it is.

        Raises:
          UserError: it cannot be written.
        """
        make_folder(self.path)
        write_json(self.path / _FILE, to_plain(state))

    def require_free(self) -> None:
        """Refuse a path that holds anything.

        Raises:
          UserError: it does.
        """
        if self.exists:
            raise UserError(
                f"{self.path} exists already; continue it with --resume {self.path} or choose another --run-dir"
            )
        RunFolder(self.path).require_free()

    def run(self, number: int, name: str) -> RunFolder:
        """Return the run folder of a rung, counted from 0."""
        return RunFolder(self.path / f"{number + 1}-{name}")
