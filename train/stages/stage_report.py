"""The stage report in words: what ``report.md`` says."""

from __future__ import annotations

from ..evaluation.matches import lost
from .chance import ALPHA
from .study import CHANCE, Finding, Study, StudyOptions


def began(study: Study, strategy: str) -> str:
    """Return the training step at which a strategy began, as far as the checkpoints tell."""
    first = study.began(strategy)
    if first is None:
        return "not found"
    before = study.findings[: study.findings.index(first)]
    if not before:
        return f"at or before {first.env_steps:,}"
    return f"between {before[-1].env_steps:,} and {first.env_steps:,}"


def examined(findings: list[Finding], total_env_steps: int) -> str:
    """Return which steps of training could be looked at.

    Args:
      findings: the checkpoints, oldest first.
      total_env_steps: env steps that the run was meant to take.
    """
    steps = ", ".join(f"{finding.env_steps:,}" for finding in findings)
    return (
        f"Examined: {len(findings)} checkpoint{'s' * (len(findings) > 1)}, at {steps} of {total_env_steps:,} env "
        "steps. "
        "Nothing can be said about steps whose checkpoints are gone: a run keeps the newest ones, and more with "
        "`hideseek train --keep-every ITERATIONS`."
    )


def _opponents(options: StudyOptions) -> str:
    if options.hiders is not None:
        return f"as seekers, with hiders played by {options.hiders}"
    if options.seekers is not None:
        return f"as hiders, with seekers played by {options.seekers}"
    return "against itself"


def left_out(study: Study, options: StudyOptions) -> list[str]:
    """Return in words what broken physics has cost; nothing if there was none."""
    return [lost(study.broken, study.pairs, options.episodes)] if study.broken else []


def compose(
    study: Study, options: StudyOptions, name: str, total_env_steps: int, images: dict[str, str], videos: dict[str, str]
) -> str:
    """Return the text of ``report.md``.

    Args:
      study: what was found.
      options: how it was looked for.
      name: the run's.
      total_env_steps: env steps that the run was meant to take.
      images: title -> path of an image, relative to the report.
      videos: strategy -> path of a video, relative to the report.
    """
    lines = [
        f"# Stages of {name}",
        "",
        f"Which strategies the agents of this run play in `{study.scenario.name}`, told from what they do and not from "
        f"their reward. Each checkpoint played {options.episodes} episodes {_opponents(options)}, all on the same "
        f"layouts (seed {options.seed}). docs/stages.md defines every strategy.",
        "",
        examined(study.findings, total_env_steps),
        "",
        *_summary(study, videos),
        "",
        f"A strategy counts as found where it is told in more episodes than in random play on the same layouts (exact "
        f"sign test over pairs of episodes, Holm over {len(study.findings)} checkpoints, {ALPHA:.0%}). Brackets are "
        "95 % intervals (Wilson).",
        *(f"\n{line}." for line in left_out(study, options)),
        "",
        "## Share of episodes by checkpoint",
        "",
        *_table(study),
    ]
    for title, path in images.items():
        lines += ["", f"## {title}", "", f"![{title}]({path})"]
    return "\n".join(lines) + "\n"


def _summary(study: Study, videos: dict[str, str]) -> list[str]:
    newest = study.findings[-1]
    lines = ["| strategy | began at env step | episodes of the newest checkpoint | example |", "|---|---|---|---|"]
    for name in study.strategies:
        video = f"[video]({videos[name]})" if name in videos else ""
        lines.append(f"| {name} | {began(study, name)} | {newest.shares[name]} | {video} |")
    return lines


def _table(study: Study) -> list[str]:
    findings = study.findings
    assert study.chance is not None
    lines = [
        f"| strategy | {CHANCE} | " + " | ".join(f"{f.env_steps:,} steps" for f in findings) + " |",
        "|---" * (2 + len(findings)) + "|",
    ]
    columns = [study.chance, *findings]
    rows = {name: " | ".join(str(f.shares[name]) for f in columns) for name in study.strategies}
    return lines + [f"| {name} | {shares} |" for name, shares in rows.items()]
