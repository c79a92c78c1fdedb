"""What an exported policy is fed with, and which of a run's networks it is."""

from __future__ import annotations

from envs.errors import UserError
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.teams import TeamPolicies, members

from ..runs.saved_policy import SavedPolicy

MEMORY = ("hidden", "cell")
"""Names of the memory; what comes out is called ``next_...``."""
STARTED = "started"
"""Name of the flag of sequences whose episode begins with the step."""


def choose_network(saved: SavedPolicy, side: str | None, agent: int | None) -> ActorCritic:
    """Return the network of a side or of an agent, or the only one.

    Args:
      saved: the policy.
      side: ``hiders`` or ``seekers``, where each team has a network.
      agent: from 0 on, where each agent has one.

    Raises:
      UserError: there are several and none of them was named, or there is no such one.
    """
    where, networks = saved.path, [network for network, _ in members(saved.policy)]
    names = saved.policy.names if isinstance(saved.policy, TeamPolicies) else ("",)
    asked = {"--side": side, "--agent": agent}
    options = [f"{option} {value}" for option, value in asked.items() if value is not None]
    if names == ("",) and not options:
        return networks[0]
    if names == ("",):
        raise UserError(f"{where} has one network for all agents; leave out {' and '.join(options)}")
    wanted = side or f"agent_{agent}"
    if wanted in names and len(options) == 1:
        return networks[names.index(wanted)]
    if names == ("hiders", "seekers"):
        raise UserError(f"{where} has a network for each team; say which: --side hiders or --side seekers")
    raise UserError(f"{where} has a network for each agent; say which: --agent N, N from 0 to {len(names) - 1}")


def observation_names(spec: ObservationSpec) -> list[str]:
    """Return the names of the observation tensors that acting needs, in their order."""
    return [name for name in spec.shapes if not name.endswith("_present")]
