"""What an exported policy is fed with, and which of a run's networks it is."""

from __future__ import annotations

from envs.errors import UserError
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.teams import members

from ..runs.saved_policy import SavedPolicy

MEMORY = ("hidden", "cell")
"""Names of the memory; what comes out is called ``next_...``."""
STARTED = "started"
"""Name of the flag of sequences whose episode begins with the step."""


def choose_network(saved: SavedPolicy, side: str | None) -> ActorCritic:
    """Return the network of a side, or the only one.

    Raises:
      UserError: there is one for each side and none was named, or there is only one.
    """
    networks = [network for network, _ in members(saved.policy)]
    if len(networks) == 1:
        if side is not None:
            raise UserError(f"{saved.path} has one network for both teams; leave out --side {side}")
        return networks[0]
    if side not in ("hiders", "seekers"):
        raise UserError(f"{saved.path} has a network for each team; say which: --side hiders or --side seekers")
    return networks[("hiders", "seekers").index(side)]


def observation_names(spec: ObservationSpec) -> list[str]:
    """Return the names of the observation tensors that acting needs, in their order."""
    return [name for name in spec.shapes if not name.endswith("_present")]
