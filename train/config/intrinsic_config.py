"""Options of intrinsic motivation, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from envs.options.ranges import AtLeastOne, NotNegative, Positive, Range, Width
from envs.scenarios import Scenario

Representation = Literal["box_positions", "box_states", "observation"]


@dataclass(frozen=True, kw_only=True)
class IntrinsicConfig:
    """A reward for new states. Counting and distillation are explained in docs/intrinsic.md."""

    method: Annotated[Literal["none", "counts", "rnd"], tyro.conf.arg(name="")] = "none"
    """none; counts: 1 / sqrt(visits to the state); rnd: random network distillation, the error of a network that learns
    to predict the outputs of a random one on the agent's observation."""
    scale: NotNegative = 1.0
    """Factor of the bonus in the reward. Advantages and values are normalised, so it matters beside the game's own
    reward."""
    extrinsic_scale: NotNegative = 1.0
    """Factor of the game's own reward; 0 leaves the bonus alone."""
    representation: Representation = "box_positions"
    """What the state is that counts are kept of. box_positions: x and y of the boxes; box_states: also rotation and
    velocity; observation: all that agents observe. The richer it is, the more states are new whatever the agents do."""
    agents: AtLeastOne = 1
    """With representation observation: whose, the first so many agents."""
    resolution: Positive = 0.5
    """Length scale in metres (and m/s, rad/s, or as a number for other features) at which states count as different.
    Finer makes more of them new."""
    hash_bits: Annotated[int, Range(low=1, high=62)] = 32
    """Bits of a state's code, at most 62. More tell more states apart."""
    table_bits: Annotated[int, Range(low=1, high=28)] = 22
    """The table of visits has 2 to this number of slots of 8 bytes, at most 28 (2 GiB). States that share a slot share
    their count: let it be larger than the number of different states."""
    features: Width = 64
    """With rnd: outputs of the random network, which are to be predicted."""
    hidden_size: Width = 128
    """With rnd: units of the hidden layers of both networks."""
    learning_rate: Positive = 1e-4
    """With rnd: step size of Adam for the predictor. Higher forgets novelty sooner."""
    minibatches: AtLeastOne = 4
    """With rnd: parts of a rollout, each of which the predictor learns from once."""

    @property
    def active(self) -> bool:
        """Whether there is any bonus."""
        return self.method != "none"


def checks(config: IntrinsicConfig, scenario: Scenario, chunks: int) -> list[tuple[bool, str]]:
    """Return conditions on the options, each with what to say if it fails.

    Args:
      config: the options.
      scenario: the world.
      chunks: chunks of a rollout.
    """
    if not config.active:
        return []
    of_boxes = config.method == "counts" and config.representation != "observation"
    number = scenario.num_agents
    return [
        (
            not of_boxes or scenario.max_boxes > 0,
            f"--intrinsic.representation {config.representation} needs boxes, and '{scenario.name}' has none",
        ),
        (
            config.agents <= number,
            f"--intrinsic.agents is {config.agents}, but '{scenario.name}' has {number} agent{'s' * (number > 1)}",
        ),
        (
            config.minibatches <= chunks,
            f"--intrinsic.minibatches is {config.minibatches} but a rollout has only {chunks} chunks",
        ),
    ]
