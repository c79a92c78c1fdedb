"""Moves the weights of one policy into the network of another task, and says what became of every tensor.

Tensors go by name. One of them belongs to several kinds of entities at once: the encoder's ``own_dense``, whose rows
hold a block for each kind. Its blocks are tensors of their own here, named ``own_dense.weight[boxes]`` and so on, with
``[self]`` for the agent itself, so that kinds may come, go and change their order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec

from ..runs.checkpoints import require_same_tensors

_FRESH = ("action_head.", "value_head.", "value_normalizer.", "actor.output_norm.", "critic.output_norm.")
"""The final dense layer and the layer norm before it, of both networks. The value normaliser goes with the value's
layer, which predicts in its units: those of the rewards of another game would mean nothing here."""
_OWN_DENSE = re.compile(r".*\.own_dense\.(weight|bias)")
_KIND = re.compile(r"\.of_(\w+)\.|\[(\w+)\]$")


@dataclass(frozen=True)
class Transferred:
    """The tensors of a policy that starts with another one's weights, and where they are from."""

    tensors: dict[str, Tensor]
    """A whole ``state_dict``."""
    copied: tuple[str, ...]
    """Names of the tensors that are the other policy's, bit by bit."""
    reinitialised: tuple[str, ...]
    """Names of those that the other policy has and that start anew."""
    new: tuple[str, ...]
    """Names of those that it does not have: they belong to kinds of entities that it never met."""
    left_out: tuple[str, ...]
    """Names of its tensors that nothing was made of: they belong to kinds of entities that are not here."""

    def to_plain(self) -> dict[str, list[str]]:
        """Return the four lists as JSON values."""
        return {name: list(getattr(self, name)) for name in ("copied", "reinitialised", "new", "left_out")}


def transfer_weights(
    fresh: ActorCritic, tensors: Mapping[str, Tensor], spec: ObservationSpec, where: str
) -> Transferred:
    """Put weights into a freshly initialised policy, which itself stays as it is.

    The final dense layer and the last layer norm of both networks stay fresh (paper, section 6.2), and so do the
    encoders and normalisers of kinds of entities that the weights know nothing of. Everything else is copied.

    Args:
      fresh: the network of the task.
      tensors: the ``state_dict`` of the policy that the weights are from.
      spec: what that policy observes.
      where: what the weights are, for messages.

    Raises:
      UserError: a tensor of another shape, or one too many or too few; it is named.
    """
    mine, theirs = _split(fresh.state_dict(), fresh.spec), _split(tensors, spec)
    known, here = set(spec.entities), set(fresh.spec.entities)
    reinitialised = _select(mine, lambda name: name.startswith(_FRESH))
    new = _select(mine, lambda name: _kind(name) in here - known)
    left_out = _select(theirs, lambda name: _kind(name) in known - here)
    copied = tuple(name for name in mine if name not in {*reinitialised, *new})
    source = {name: tensor for name, tensor in theirs.items() if name not in {*left_out, *reinitialised}}
    require_same_tensors({name: mine[name] for name in copied}, source, where)
    joined = _join({name: source.get(name, tensor) for name, tensor in mine.items()}, fresh.spec)
    return Transferred(
        {name: joined[name].clone() for name in fresh.state_dict()}, copied, reinitialised, new, left_out
    )


def _select(names: Iterable[str], wanted: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(name for name in names if wanted(name))


def _kind(name: str) -> str | None:
    """Return the kind of entity that a tensor is for; None if it is for all, the agent itself or the lidar."""
    match = _KIND.search(name)
    return match and (match[1] or match[2])


def _split(tensors: Mapping[str, Tensor], spec: ObservationSpec) -> dict[str, Tensor]:
    """Give every kind's block of rows a name of its own."""
    blocks = [*spec.entities, "self"]
    parts: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if _OWN_DENSE.fullmatch(name):
            parts |= {f"{name}[{kind}]": block for kind, block in zip(blocks, tensor.chunk(len(blocks)), strict=True)}
        else:
            parts[name] = tensor
    return parts


def _join(parts: Mapping[str, Tensor], spec: ObservationSpec) -> dict[str, Tensor]:
    """Undo ``_split``."""
    whole = {name: tensor for name, tensor in parts.items() if not name.endswith("]")}
    for name in {name.partition("[")[0] for name in parts if name.endswith("]")}:
        whole[name] = torch.cat([parts[f"{name}[{kind}]"] for kind in [*spec.entities, "self"]])
    return whole
