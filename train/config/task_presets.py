"""The paper's transfer tasks (section 6.2) in two sizes: small, for minutes on two cores, and as in the paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from envs import scenarios
from envs.errors import UserError, did_you_mean
from policies.tower import NetworkConfig

from .league_config import LeagueConfig
from .ppo_config import PPOConfig
from .train_config import TrainConfig

TaskSize = Literal["small", "paper"]


@dataclass(frozen=True, kw_only=True)
class TransferTask:
    """One of the five tests of what a policy has learned elsewhere."""

    name: str
    """Name of the paper-sized scenario; the small one is ``<name>/small``."""
    score: str
    """Episode statistic that says how well it is done; see the games' ``statistics``."""
    higher_is_better: bool
    """Whether a larger score is the better one."""
    random_level: str
    """What the score is without any skill, and why."""
    description: str
    """What is to be done, in one sentence."""


TRANSFER_TASKS: dict[str, TransferTask] = {
    task.name: task
    for task in (
        TransferTask(
            name="object-counting",
            score="accuracy",
            higher_is_better=True,
            random_level="one answer in seven, or one in (boxes + 1): every number is equally likely",
            description="Watch boxes drift out of sight and say how many went left.",
        ),
        TransferTask(
            name="lock-and-return",
            score="completed",
            higher_is_better=True,
            random_level="near 0: random play seldom locks the box, and passes its start only by chance",
            description="Find the box, lock it, and go back to where you started.",
        ),
        TransferTask(
            name="sequential-lock",
            score="completed",
            higher_is_better=True,
            random_level="near 0: random play locks boxes in passing and opens them again",
            description="Lock all boxes in an order that must be found out.",
        ),
        TransferTask(
            name="blueprint",
            score="completed",
            higher_is_better=True,
            random_level="near 0: a box reaches its site only by chance",
            description="Put boxes on the marked sites.",
        ),
        TransferTask(
            name="shelter",
            score="rays_at_end",
            higher_is_better=False,
            random_level="that of random play: boxes that lie about stop some of the 100 rays",
            description="Put boxes around a cylinder, so that few rays from the border of the floor reach it.",
        ),
    )
}
"""The tasks by name, in the paper's order."""

TASKS: tuple[str, ...] = tuple(TRANSFER_TASKS)
"""Their names."""

NETWORK = NetworkConfig(embedding_size=64, attention_heads=2, hidden_size=64, lstm_size=64)
"""That of the quickstart, so that its policies can start the small tasks."""
ALONE = LeagueConfig(fraction=0.0, rating_interval=0)
"""No past versions: there is nobody to play against."""


def _small(
    name: str,
    iterations: int,
    gamma: float = 0.97,
    learning_rate: float = 1.5e-3,
    final_learning_rate: float | None = None,
) -> TrainConfig:
    """Return the configuration of a small task.

    Worlds start their episodes together and a chunk is a whole episode, so that gradients reach from the last step back
    to the first: what has to be remembered (where home is, which boxes were tried) is then learned soonest.
    """
    scenario = scenarios.get(f"{name}/small")
    return TrainConfig(
        scenario=scenario,
        num_worlds=128,
        iterations=iterations,
        stagger=False,
        network=NETWORK,
        ppo=PPOConfig(
            rollout_steps=scenario.horizon,
            chunk_length=scenario.horizon,
            epochs=3,
            minibatches=8,
            learning_rate=learning_rate,
            final_learning_rate=final_learning_rate,
            gamma=gamma,
            entropy_coefficient=0.003,
        ),
        checkpoint_interval=20,
        league=ALONE,
    )


SMALL: dict[str, TrainConfig] = {
    "object-counting": _small("object-counting", iterations=60),
    "lock-and-return": _small("lock-and-return", iterations=40),
    "sequential-lock": _small("sequential-lock", iterations=60),
    "blueprint": _small("blueprint", iterations=60),
    "shelter": _small("shelter", iterations=120, gamma=0.95, learning_rate=2e-3, final_learning_rate=0.0),
}
"""The configurations of the small tasks."""


def _paper(name: str) -> TrainConfig:
    """Return the full scenario with the network and the numbers of the paper; how long it trained is not known."""
    return TrainConfig(
        scenario=scenarios.get(name),
        num_worlds=4096,
        iterations=5000,
        network=NetworkConfig(attention_layer_norm=True),
        ppo=PPOConfig(rollout_steps=160, chunk_length=10, epochs=4, minibatches=4),
        checkpoint_interval=100,
        league=ALONE,
    )


def task_config(task: str, size: TaskSize) -> TrainConfig:
    """Return the configuration that learns a task.

    Args:
      task: one of ``TASKS``.
      size: ``small`` is learned from scratch in minutes on two cores; ``paper`` has the paper's world, network and
        numbers.

    Raises:
      UserError: unknown task; the nearest is suggested.
    """
    if task not in TRANSFER_TASKS:
        raise UserError(f"unknown task '{task}'{did_you_mean(task, TASKS)}; there are {', '.join(TASKS)}")
    return SMALL[task] if size == "small" else _paper(task)
