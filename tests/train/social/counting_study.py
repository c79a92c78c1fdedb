"""A study for tests: its pieces count, and leave a mark whenever they are done."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from envs.errors import UserError
from train.social.report import Report, Result, Section
from train.social.study import Piece, Progress, StudyArguments


@dataclass(frozen=True, kw_only=True)
class CountingArguments(StudyArguments):
    marks: str = "."
    least: float = 0.0
    fail: str = ""


def count(name: str, number: int, marks: str, fail: str, progress: Progress) -> dict[str, Any]:
    progress(0.5, "counting")
    if fail == name:
        raise UserError("cannot count")
    with open(Path(marks) / f"{name}.txt", "a") as file:
        file.write("done\n")
    return {"number": number}


class CountingStudy:
    name = "counting"
    summary = "count"
    paper = "Nobody, Counting, 1900"
    examples = ("--quick",)
    arguments = CountingArguments

    def label(self, arguments: CountingArguments) -> str:
        return self.name

    def pieces(self, arguments: CountingArguments) -> list[Piece]:
        seeds = range(arguments.seed, arguments.seed + (arguments.seeds or 3))
        return [Piece(f"seed{n}", 1.0, partial(count, f"seed{n}", n, arguments.marks, arguments.fail)) for n in seeds]

    def report(self, arguments: CountingArguments, results: Mapping[str, Any]) -> Report:
        values = [float(result["number"]) for result in results.values()]
        result = Result(what="counted", paper="1.00", values=values, low=arguments.least, must_hold=True)
        section = Section(heading="Counts", text=["Numbers."], results=[result], table=[["seed"], ["0"]])
        return Report(title="Counting", introduction=["It counts."], sections=[section])
