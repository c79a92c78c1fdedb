"""A CSV file for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..support.files import write_atomically, write_error
from .logger import Logger, Row, finite

FILE = "metrics.csv"


class CsvLogger(Logger):
    """A row for each iteration in ``metrics.csv``, a column for each tag; empty where there is no number.

    A tag that appears later in a run gets a new column, for which the file is written anew.
    """

    _path: Path
    _columns: list[str]

    def begin(self, folder: Path, env_steps: int, rows: Sequence[Row]) -> None:
        """Write the file with what is already done."""
        self._path = folder / FILE
        self._columns = [*dict.fromkeys(["iteration", "env_steps", *(tag for row in rows for tag in row)])]
        self._write_all([finite(row) for row in rows])

    def write(self, iteration: int, env_steps: int, metrics: Mapping[str, float]) -> None:
        """Append a row."""
        row = {"iteration": iteration, "env_steps": env_steps, **finite(metrics)}
        try:
            if new := [tag for tag in metrics if tag not in self._columns]:
                with open(self._path, newline="") as file:
                    rows = [*csv.DictReader(file)]
                self._columns += new
                self._write_all([*rows, row])
                return
            with open(self._path, "a", newline="") as file:
                file.write(self._lines([row]))
        except OSError as error:
            raise write_error(self._path, error) from error

    def _write_all(self, rows: Sequence[Mapping[str, object]]) -> None:
        header = {column: column for column in self._columns}
        write_atomically(self._path, self._lines([header, *rows]).encode())

    def _lines(self, rows: Iterable[Mapping[str, object]]) -> str:
        text = io.StringIO()
        csv.DictWriter(text, self._columns, lineterminator="\n").writerows(rows)
        return text.getvalue()
