"""A policy as plain arrays, for ``examples/numpy_player.py``, which needs NumPy alone."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

from policies.actor_critic import ActorCritic
from policies.actor_step import ActorStep

from ..support.files import write_atomically

FORMAT = 1
"""Of the file; a player refuses others."""


def write_numpy(policy: ActorCritic, path: Path) -> None:
    """Write the weights of what acts, float32, and a JSON text ``about`` with sizes, kinds of entities and bins.

    Raises:
      UserError: the file cannot be written.
    """
    actor, config, spec = ActorStep(policy), policy.config, policy.spec
    arrays = {name: tensor.detach().cpu().float().numpy() for name, tensor in actor.state_dict().items()}
    about = {
        "format": FORMAT,
        "entities": list(spec.entities),
        "lidar": bool(spec.lidar_rays),
        "heads": config.attention_heads,
        "embedding": config.embedding_size,
        "memory": config.lstm_size,
        "lidar_kernel": config.lidar_kernel,
        "layer_norm": config.layer_norm,
        "attention_layer_norm": config.attention_layer_norm,
        "bins": list(policy.action_bins),
    }
    file = io.BytesIO()
    np.savez(file, about=np.array(json.dumps(about)), **arrays)
    write_atomically(path, file.getvalue())
