"""What agents attend to: the weights of the policy's attention, by entity of the world.

Shapes: W worlds, A agents, O objects, E = A + O entities, N = W * A.
"""

from __future__ import annotations

import torch
from torch import Tensor

from envs.observations import others_index
from policies.actor_critic import ActorCritic
from policies.teams import Policy, members

from .players import Observations, PolicyPlayer, flatten_agents

_OBJECTS = ("boxes", "ramps", "cylinders")
"""Kinds of objects in the order of the world's entities."""


class AttentivePlayer(PolicyPlayer):
    """A trained policy that also tells what every agent attended to when it chose its last action."""

    attention: Tensor | None = None
    """(W, A, E) float32; rows sum to 1, or to less if the policy also attends to what is no body, such as food."""

    def act(self, obs: Observations, started: Tensor) -> Tensor:
        """Return the policy's actions (W, A, K)."""
        self.attention = entity_attention(self._policy, obs)
        return super().act(obs, started)


def entity_attention(policy: Policy, obs: Observations) -> Tensor:
    """Return the share (W, A, E) that every entity has in what each agent's attention passes on.

    That is the weight of an entity as a key, averaged over heads and over the visible entities as queries, because the
    policy averages over these. What an agent does not see has weight 0; its own weight is in its own column.
    """
    return torch.cat([_attention(network, obs)[:, agents] for network, agents in members(policy)], dim=1)


@torch.no_grad()
def _attention(policy: ActorCritic, obs: Observations) -> Tensor:
    """Return the attention that all agents would have with one network."""
    worlds, agents = obs["self"].shape[:2]
    device = policy.device
    flat = {name: values.to(device) for name, values in flatten_agents(obs).items()}
    entities, mask = policy.actor.encoder(policy.observation_normalizer(flat), policy.actor.suffix)
    weights = policy.actor.attention.shares(entities, mask).cpu().view(worlds, agents, -1)
    *kinds, own = weights.split([count for count, _ in policy.spec.entities.values()] + [1], dim=-1)
    by_kind = dict(zip(policy.spec.entities, kinds, strict=True))
    return entity_table(by_kind, own[..., 0], obs)


def entity_table(by_kind: Observations, own: Tensor, obs: Observations) -> Tensor:
    """Put what agents' observations say of each kind, (W, A, n), into the order of the world's entities, (W, A, E).

    Args:
      by_kind: kind -> (W, A, n); kinds that are no bodies are left out.
      own: (W, A), what stands for the agents themselves.
      obs: the observations; ramps that are present in no world are stand-ins (envs/placeholder_entities.py) and left
        out.
    """
    agents = own.shape[1]
    among = torch.diag_embed(own)
    if "agents" in by_kind:
        index = others_index(agents, own.device).expand(len(own), -1, -1)
        among = among.scatter(2, index, by_kind["agents"])
    kinds = [kind for kind in _OBJECTS if kind in by_kind and (kind != "ramps" or obs["ramps_present"].any())]
    return torch.cat([among, *(by_kind[kind] for kind in kinds)], dim=-1)
