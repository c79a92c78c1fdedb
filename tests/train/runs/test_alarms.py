"""Every alarm fires on a sick run, names it in one line, fires once, and is silent on healthy runs."""

import math
import random

import pytest

from train.runs.alarms import Alarms, replay

UNIFORM = 3 * math.log(11) + 2 * math.log(2)


def healthy(iteration, draw):
    """Metrics as those of a quickstart: entropy falls slowly, value loss settles, both teams learn in turns."""
    seen = 0.45 + 0.25 * math.sin(iteration / 15) + draw.uniform(-0.05, 0.05)
    return {
        "losses/policy_loss": draw.gauss(-0.01, 0.003),
        "losses/value_loss": 1.3 * math.exp(-iteration / 8) + 0.3 + draw.uniform(0, 0.15),
        "losses/entropy": UNIFORM * (0.5 + 0.5 * math.exp(-iteration / 80)),
        "losses/approx_kl": draw.uniform(0.005, 0.03),
        "losses/clip_fraction": draw.uniform(0.05, 0.2),
        "losses/explained_variance": float("nan") if iteration == 3 else 0.6,
        "charts/episodic_return/hiders": 48 * (1 - 2 * seen),
        "charts/episodic_return/seekers": -48 * (1 - 2 * seen) - draw.uniform(0, 3),
        "charts/seen_fraction": seen,
        "perf/diverged_worlds": float(iteration > 40),
    }


def run(change=lambda iteration, metrics: {}, iterations=200, seed=0):
    """Return what the alarms say of a run: (iteration, line)."""
    alarms, draw = Alarms(UNIFORM), random.Random(seed)
    said = []
    for iteration in range(iterations):
        metrics = healthy(iteration, draw)
        metrics |= change(iteration, metrics)
        said += [(iteration, line) for line in alarms.check(metrics)]
    return said


@pytest.mark.parametrize("seed", range(5))
def test_healthy_runs_are_silent(seed):
    assert run(seed=seed) == []


def test_few_episodes_are_no_dead_team():
    """Episodes longer than rollouts: most iterations have no ended episode."""

    def rare(iteration, metrics):
        for tag in [tag for tag in metrics if tag.startswith("charts/") and iteration % 5]:
            del metrics[tag]
        return {}

    assert run(rare) == []


def test_a_return_that_stands_still_is_no_dead_team_where_novelty_is_rewarded():
    assert run(lambda i, m: {"charts/episodic_return/seekers": 0.0, "intrinsic/bonus": 0.2}) == []


SICK = {
    "entropy collapse": lambda i, m: {"losses/entropy": 0.2} if i > 100 else {},
    "exploding value loss": lambda i, m: {"losses/value_loss": 2.5 + (i - 100)} if i > 100 else {},
    "not a number": lambda i, m: {"losses/policy_loss": float("nan")} if i > 100 else {},
    "clipped ratios": lambda i, m: {"losses/clip_fraction": 0.6} if i > 100 else {},
    "dead team": lambda i, m: {"charts/episodic_return/seekers": -48.0} if i > 100 else {},
    "diverging physics": lambda i, m: {"perf/diverged_worlds": float(max(i - 100, 0))},
}


@pytest.mark.parametrize("name", SICK)
def test_a_sick_run_is_named_once_in_one_line(name):
    said = run(SICK[name])
    assert len(said) == 1, said
    iteration, line = said[0]
    assert 100 < iteration <= 155
    assert line.startswith(f"{name}: ") and "\n" not in line and len(line) < 150


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i, m: {"losses/approx_kl": 0.3}, "0.30 nats"),
        (lambda i, m: {"charts/seen_fraction": 0.995}, "hiders were seen in 100% of the steps or more"),
        (lambda i, m: {"charts/seen_fraction": 0.001 * (i % 2)}, "seekers always lose"),
        (lambda i, m: {"losses/value_loss": None}, "losses/value_loss is None"),
    ],
)
def test_other_forms(change, words):
    said = run(change)
    assert len(said) == 1 and words in said[0][1]


def test_a_single_bad_iteration_is_no_alarm():
    one_off = {"losses/entropy": 0.1, "losses/value_loss": 50.0, "losses/clip_fraction": 0.9, "losses/approx_kl": 1.0}
    assert run(lambda i, m: one_off if i == 100 else {}) == []


def test_a_big_value_loss_at_the_start_is_no_alarm():
    assert run(lambda i, m: {"losses/value_loss": 8.0} if i < 5 else {}) == []


def test_fires_again_after_recovery():
    said = run(lambda i, m: {"losses/clip_fraction": 0.6} if 50 < i < 60 or 100 < i < 110 else {})
    assert len(said) == 2


def test_a_resumed_run_remembers():
    alarms, draw = Alarms(UNIFORM), random.Random(0)
    replay(alarms, [{"iteration": i, "env_steps": i, **healthy(i, draw)} for i in range(60)])
    said = [alarms.check(healthy(60 + i, draw) | {"losses/value_loss": 9.0}) for i in range(3)]
    assert [len(lines) for lines in said] == [0, 0, 1]
    assert alarms.active == ["exploding value loss"]
