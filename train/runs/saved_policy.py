"""Loading a trained policy from a run folder or from one checkpoint file."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from envs import observations
from envs.errors import UserError
from envs.scenarios import Scenario
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.teams import Policy, TeamPolicies, members

from ..config.train_config import TrainConfig, validate
from ..support.json_data import from_plain
from .checkpoints import Checkpoint, load_checkpoint, require_same_tensors
from .run_folder import RunFolder
from .shipped_policies import find_run, full_precision

ACTION_FIELDS = ("movement_bins", "heading_forces", "game_actions")
"""Fields of a scenario that say what actions mean."""


@dataclass
class SavedPolicy:
    """A policy and where it came from."""

    policy: Policy
    """In evaluation mode, on the device that was asked for."""
    config: TrainConfig
    """How it was trained; ``config.scenario`` is the world it knows."""
    path: Path
    """The checkpoint file."""
    iteration: int
    """Iterations of training behind it."""

    @property
    def actions(self) -> dict[str, Any]:
        """Fields of the scenario that say what the policy's actions mean."""
        return {name: getattr(self.config.scenario, name) for name in ACTION_FIELDS}

    def fit(self, scenario: Scenario) -> None:
        """Let the policy play in a scenario, which may have other numbers of objects than it learned with.

        One network serves any number of entities; networks of their own for teams or agents need the same agents.

        Raises:
          UserError: names the first option of actions, or kind of input, that differs, what the policy expects and what
            the scenario has.
        """
        learned, where = self.config.scenario, f"checkpoint {self.path}"
        require_same_actions(learned, scenario, where)
        spec = ObservationSpec.from_dict(observations.spec(scenario))
        expected, found = self.policy.spec.features, spec.features
        for key in [*expected, *found]:
            if expected.get(key) != found.get(key):
                raise UserError(
                    f"{where} does not fit scenario '{scenario.name}': input '{key}' has {found.get(key, 'no')} "
                    f"features there, the policy expects {expected.get(key, 'none')} (trained in '{learned.name}')"
                )
        teams = (learned.hiders, learned.seekers)
        if isinstance(self.policy, TeamPolicies) and teams != (scenario.hiders, scenario.seekers):
            raise UserError(
                f"{where} does not fit scenario '{scenario.name}': its networks are for {teams[0]} hiders and "
                f"{teams[1]} seekers, there are {scenario.hiders} and {scenario.seekers} (trained in '{learned.name}')"
            )
        for member, _ in members(self.policy):
            member.spec = spec


def require_same_actions(learned: Scenario, scenario: Scenario, where: str) -> None:
    """Check that actions mean in a scenario what they meant where a policy learned.

    Raises:
      UserError: names the first option that differs.
    """
    for field in ACTION_FIELDS:
        wanted, found = getattr(learned, field), getattr(scenario, field)
        if found != wanted:
            raise UserError(
                f"{where} does not fit scenario '{scenario.name}': {field} is {found} there, the policy learned with "
                f"{wanted} (trained in '{learned.name}')"
            )


def read_weights(path: Path, policy: Policy, scenario: Scenario, option: str) -> dict[str, Tensor]:
    """Return the tensors of a saved policy that takes the place of another one.

    A saved policy of one network takes the place of each network that the other one has.

    Args:
      path: as for ``find_checkpoint``.
      policy: the other one, whose networks have the same sizes.
      scenario: where it plays.
      option: which asked for it, for messages.

    Raises:
      UserError: the file cannot be read, or does not fit; the first tensor or option of actions that does not is named.
    """
    file, checkpoint = find_checkpoint(path)
    tensors, where = checkpoint.group("policy"), f"{option} {file}"
    require_same_actions(to_config(checkpoint.metadata.get("config"), where).scenario, scenario, where)
    if isinstance(policy, TeamPolicies) and not any(name.startswith("teams.") for name in tensors):
        tensors = {f"teams.{k}.{name}": tensor for k in range(len(policy.teams)) for name, tensor in tensors.items()}
    require_same_tensors(policy.state_dict(), tensors, where)
    return tensors


def make_policy(spec: ObservationSpec, action_bins: tuple[int, ...], config: TrainConfig) -> Policy:
    """Return a fresh policy on the CPU: one network, or one for each team or agent if the configuration wants that."""
    scenario = config.scenario
    if config.agent_policies:
        names = {f"agent_{agent}": 1 for agent in range(scenario.num_agents)}
    elif config.separate_policies:
        names = {"hiders": scenario.hiders, "seekers": scenario.seekers}
    else:
        return ActorCritic(spec, action_bins, config.network)
    return TeamPolicies([ActorCritic(spec, action_bins, config.network) for _ in names], [*names.values()], [*names])


def load_policy(path: Path, device: str | torch.device = "cpu") -> SavedPolicy:
    """Load the policy of a run's newest intact checkpoint, or of one checkpoint file.

    Args:
      path: a run folder, a ``.safetensors`` file, or the name of a policy that comes with the project.
      device: where the policy shall be.

    Raises:
      UserError: nothing there, a damaged file, or tensors that do not fit the network that the file describes.
    """
    file, checkpoint = find_checkpoint(path)
    where, described = f"checkpoint {file}", checkpoint.metadata
    config = to_config(described.get("config"), where)
    spec = from_plain(ObservationSpec, described.get("observation_spec"), where)
    if described.get("action_bins") != list(config.scenario.action_bins):
        raise UserError(f"{where} does not hold a policy for the actions of its scenario")
    iteration, tensors = checkpoint.counters(where).iteration, checkpoint.group("policy")
    # First without memory: the sizes that a damaged file asks for may be of any size.
    require_same_tensors(_make_described(spec, config, where).state_dict(), tensors, where)
    policy = make_policy(spec, config.scenario.action_bins, config)
    policy.load_state_dict(tensors)
    return SavedPolicy(policy.to(device).eval(), config, file, iteration)


def to_config(plain: Any, where: str) -> TrainConfig:
    """Return the configuration that a file holds.

    Args:
      plain: what was found in its place.
      where: the file, for messages.

    Raises:
      UserError: it is none, or no run can be made of it.
    """
    config = from_plain(TrainConfig, plain, where)
    try:
        return validate(config)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _make_described(spec: ObservationSpec, config: TrainConfig, where: str) -> Policy:
    """Return a policy of names and shapes alone."""
    try:
        with torch.device("meta"):
            return make_policy(spec, config.scenario.action_bins, config)
    except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:
        raise UserError(f"{where} describes no network ({' '.join(str(error).split())})") from error


def find_checkpoint(path: Path) -> tuple[Path, Checkpoint]:
    """Read the checkpoint that ``path`` means, and return its path with it.

    Args:
      path: a file, a run (its newest intact one), or the name of a policy that comes with the project.

    Raises:
      UserError: there is none, or it is damaged.
    """
    path = find_run(path)
    if path.is_dir():
        run = RunFolder(path)
        run.read_config()
        return run.checkpoints.load_newest(lambda text: print(f"warning: {text}", file=sys.stderr))
    return path, full_precision(load_checkpoint(path))
