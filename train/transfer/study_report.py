"""The report of a study in words: ``report.md``, with its table and figures beside it."""

from __future__ import annotations

from pathlib import Path

from ..config.task_presets import TRANSFER_TASKS
from ..evaluation.intervals import Estimate
from ..support.files import make_folder, write_atomically
from ..support.json_data import read_object, take
from ..support.plotting import can_draw
from . import figures
from .outcome import Outcome, RunOutcome, to_csv
from .starts import COUNTS, HIDE_AND_SEEK, SCRATCH, is_age, title
from .study_plan import COUNTING, StudyPlan, Unit

_FORM = "{:.2f}"
_MEAN_WHILE_LEARNING = (
    "*Mean while learning* is the mean score over all of fine-tuning: it tells who learned faster where the ends are "
    "alike."
)
SCORES = {
    "accuracy": "the share of right answers",
    "completed": "the share of episodes in which the task was done",
    "rays_in": "how many of 100 rays from the border reach the cylinder, the mean over all steps",
    "rays_at_end": "how many of 100 rays from the border reach the cylinder in the last step",
}
"""What the tasks' statistics mean."""
_ABOUT_STARTS = {
    SCRATCH: "the network starts with random weights, as in any run",
    HIDE_AND_SEEK: "the network starts with what it learned in hide-and-seek",
    COUNTS: "the network starts with what it learned by intrinsic motivation, in a world with objects and no opponents",
}


def write_report(outcome: Outcome) -> Path:
    """Write ``results.csv``, the figures and ``report.md`` into the study's folder. Returns the report's path.

    Raises:
      UserError: a file cannot be written.
    """
    path = outcome.plan.path
    write_atomically(path / "results.csv", to_csv(outcome).encode())
    images = _draw(outcome) if can_draw() else {}
    report = path / "report.md"
    write_atomically(report, compose(outcome, images).encode())
    return report


def compose(outcome: Outcome, images: dict[str, str]) -> str:
    """Return the text of ``report.md``.

    Args:
      outcome: what was found.
      images: title -> path of an image, relative to the report.
    """
    plan = outcome.plan
    lines = [
        "# What hide-and-seek brings to other tasks",
        "",
        f"A policy that learned hide-and-seek (`{plan.files[HIDE_AND_SEEK]}`, {plan.env_steps[HIDE_AND_SEEK]:,} env "
        "steps "
        "of training) learns other tasks, and so do policies that start differently. If it learns faster or better, "
        "then "
        "what it learned by hiding and seeking is of use elsewhere. These are the tests of the paper's section 6.2, "
        "and the "
        "figures are in the form of its Figure 6.",
        "",
        *_state(outcome),
        "## Result",
        "",
        *_markdown(result_cells(outcome)),
        "",
        *[f"- {line}" for line in verdicts(outcome)],
        "",
        _intervals(plan),
        "",
    ]
    for heading, image in images.items():
        lines += [f"## {heading}", "", f"![{heading}]({image})", ""]
    lines += ["## The tasks", ""]
    for task in plan.request.tasks:
        lines += [*_task(outcome, task), ""]
    lines += ["## The starts", "", *_starts(plan), "", "## How far to trust this", "", *_caveats(plan), ""]
    lines += ["## Files", "", *_files()]
    return "\n".join(lines) + "\n"


def result_cells(outcome: Outcome) -> list[list[str]]:
    """Return the cells of a table, its heading first: one row a task, one column a start."""
    starts = [start for start in outcome.plan.starts if not is_age(start)]
    rows = [["task", "score", "without skill", *map(title, starts)]]
    for task in outcome.plan.request.tasks:
        about = TRANSFER_TASKS[task]
        better = "higher is better" if about.higher_is_better else "lower is better"
        cells = [_cell(outcome.random_level(task)), *(_cell(outcome.score(task, start)) for start in starts)]
        rows.append([task, f"{about.score}, {better}", *cells])
    return rows


def verdicts(outcome: Outcome) -> list[str]:
    """Return sentences that say, for each task, whether hide-and-seek is a better start than the others."""
    others = [start for start in outcome.plan.request.starts if start != HIDE_AND_SEEK]
    return [
        sentence
        for task in outcome.plan.request.tasks
        for other in others
        if (sentence := _verdict(outcome, task, other)) is not None
    ]


def one_line(run: RunOutcome) -> str:
    """Return the score of a run for the console."""
    return f"{TRANSFER_TASKS[run.unit.task].score} {_FORM.format(run.score.mean())}"


def _verdict(outcome: Outcome, task: str, other: str) -> str | None:
    difference = outcome.difference(task, HIDE_AND_SEEK, other)
    if difference is None:
        return None
    higher_is_better = TRANSFER_TASKS[task].higher_is_better
    if difference.low <= 0.0 <= difference.high:
        word = "no clear difference"
    else:
        word = "better" if (difference.value > 0) == higher_is_better else "worse"
    early = [outcome.mean_while_learning(task, start) for start in (HIDE_AND_SEEK, other)]
    means = "" if None in early else f"; mean while learning {early[0]:.2f} against {early[1]:.2f}"
    return (
        f"**{task}**: hide-and-seek against {other}: **{word}** (final {TRANSFER_TASKS[task].score} "
        f"{difference.format('{:+.2f}')}{means})"
    )


def _state(outcome: Outcome) -> list[str]:
    done, total = len(outcome.runs), len(outcome.plan.units)
    if done == total:
        return []
    command = f"hideseek transfer --resume {outcome.plan.path}"
    return [f"**Not finished: {done} of {total} runs are done.** `{command}` goes on.", ""]


def _intervals(plan: StudyPlan) -> str:
    if plan.request.seeds > 1:
        return (
            f"Means over {plan.request.seeds} seeds with 95 % intervals (Student's t over seeds). A difference counts "
            "as "
            f"clear if its interval (Welch's t) does not hold 0. {_MEAN_WHILE_LEARNING}"
        )
    return (
        "One seed: the 95 % intervals (bootstrap) are over the episodes in which each final policy was judged. They "
        "say how "
        "well *this* policy is known, and nothing of what another seed would have learned; a difference that counts "
        "as clear "
        f"here may be luck. {_MEAN_WHILE_LEARNING}"
    )


def _task(outcome: Outcome, task: str) -> list[str]:
    about, config = TRANSFER_TASKS[task], outcome.plan.configs[task]
    scenario = config.scenario
    lines = [
        f"**{task}** (`{scenario.name}`, episodes of {scenario.horizon} steps). {about.description} The score, "
        f"`{about.score}`, is {SCORES.get(about.score, 'a statistic of the game')}; "
        f"{'higher' if about.higher_is_better else 'lower'} is better. Without any skill it is {about.random_level}."
    ]
    if task == COUNTING:
        lines.append(
            "The policy stays as it is; a classifier learns to read the answer from its memory, at every step after "
            "the "
            "boxes are gone. From scratch means from a policy of random weights. Curves are over what the classifier "
            "has "
            "watched."
        )
    else:
        lines.append(
            f"Fine-tuned for {config.total_env_steps:,} env steps ({config.iterations} iterations of "
            f"{config.num_worlds} "
            f"worlds), then judged in {outcome.plan.request.episodes} episodes, the same layouts for all."
        )
    if diverged := sum(run.diverged for run in outcome.runs if run.unit.task == task):
        lines.append(f"Physics broke in {diverged} further episodes, which are in no score and no comparison.")
    return [" ".join(lines)]


def _starts(plan: StudyPlan) -> list[str]:
    lines = []
    for start in plan.starts:
        about = "hide-and-seek after fewer steps of training" if is_age(start) else _ABOUT_STARTS[start]
        file = f" (`{plan.files[start]}`, {plan.env_steps[start]:,} env steps)" if start in plan.files else ""
        lines.append(f"- **{title(start)}**: {about}{file}")
    lines += [
        "",
        "All networks have the same sizes and the same inputs. What a task lacks is padded as in the original: "
        "another agent "
        "of zeros, and a ramp of zeros that is never seen. The final dense layer and the layer norm before it start "
        "anew in "
        "both policy and value network, with the scale of values that belongs to them; all else is copied, normalisers "
        "included, and then everything learns.",
        "",
    ]
    return lines + _weights(plan)


def _weights(plan: StudyPlan) -> list[str]:
    """Tell what became of the tensors, for each task and start that has begun."""
    lines = ["| task | start | copied | begun anew | new in this task | left out |", "|---|---|---|---|---|---|"]
    for task in plan.request.tasks:
        for start in plan.starts:
            file = plan.weights_file(Unit(task, start, 0))
            if file.is_file():
                plain, keys = read_object(file), ("copied", "reinitialised", "new", "left_out")
                copied, begun, new, left_out = (take(plain, key, tuple[str, ...], str(file)) for key in keys)
                lines.append(
                    f"| {task} | {title(start)} | {len(copied)} tensors | {len(begun)} | "
                    f"{_names(new)} | {_names(left_out)} |"
                )
    return [*lines, "", "`weights.json` in each run's folder names every tensor."] if len(lines) > 2 else []


def _names(tensors: tuple[str, ...]) -> str:
    """Count tensors and name the first of them."""
    if not tensors:
        return "none"
    return f"{len(tensors)}: " + ", ".join(f"`{name}`" for name in tensors[:2]) + (", ..." if len(tensors) > 2 else "")


def _caveats(plan: StudyPlan) -> list[str]:
    lines = []
    if plan.request.preset == "small":
        lines.append(
            "- The tasks are small versions of the paper's, and so are the networks: they show how the tests work and "
            "what a "
            "short training brings, and do not say what the paper's policies would do."
        )
    lines += [
        f"- {plan.request.seeds} seed{'s' * (plan.request.seeds > 1)} of each. The paper had three, and called its "
        "differences not drastic.",
        "- Hide-and-seek training itself had one seed: another run of it may have learned other things.",
        "- A start that already knows how to move and turn has an advantage over scratch that says nothing about "
        "objects or "
        "memory.",
    ]
    if plan.request.scale != 1.0:
        lines.append(f"- Runs were {plan.request.scale:g} times as long as the preset's.")
    return lines


def _files() -> list[str]:
    return [
        "- `results.csv`: every number, one a row",
        "- `runs/<task>/<start>/seed<n>/`: run folders like any other: `hideseek watch` shows them, TensorBoard their "
        "curves",
        "- `starts/`: the weights that runs started from",
        "- `plan.json`: everything that defines the study",
    ]


def _draw(outcome: Outcome) -> dict[str, str]:
    """Draw the figures. Returns title -> path relative to the report."""
    folder = outcome.plan.path / "figures"
    starts = [start for start in outcome.plan.starts if not is_age(start)]
    if not any(run.unit.start in starts for run in outcome.runs):
        return {}
    make_folder(folder)
    figures.draw_scores(folder / "scores.png", outcome, starts)
    images = {"Final scores": "figures/scores.png"}
    figures.draw_curves(folder / "curves.png", outcome, starts)
    images["Learning curves"] = "figures/curves.png"
    if any(run.by_time is not None for run in outcome.runs):
        figures.draw_memory(folder / "memory.png", outcome, outcome.plan.starts)
        images["How long the number of boxes is remembered"] = "figures/memory.png"
    ages = [start for start in outcome.plan.starts if is_age(start)]
    if any(is_age(run.unit.start) for run in outcome.runs):
        figures.draw_ages(folder / "ages.png", outcome)
        figures.draw_curves(folder / "ages-curves.png", outcome, [*ages, HIDE_AND_SEEK])
        images["How transfer changes with the age of the policy"] = "figures/ages.png"
        images["Learning curves by age"] = "figures/ages-curves.png"
    return images


def _markdown(rows: list[list[str]]) -> list[str]:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return [head, "|---" * len(rows[0]) + "|", *body]


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    return _FORM.format(estimate.value) if estimate.low == estimate.high else estimate.format(_FORM)
