"""A policy as an ONNX graph: one step, memory in and out."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from envs.errors import UserError
from policies.actor_critic import ActorCritic
from policies.actor_step import ActorStep

from ..support.files import write_atomically
from .inputs import MEMORY, STARTED, observation_names

INSTALL = "ONNX files need more packages: pip install 'hideseek[export]'"


class _Graph(nn.Module):
    """An actor with its observation as separate tensors."""

    def __init__(self, policy: ActorCritic, names: list[str]) -> None:
        super().__init__()
        self.actor, self.names = ActorStep(policy), names

    def forward(self, *tensors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        count = len(self.names)
        observation = dict(zip(self.names, tensors[:count], strict=True))
        return self.actor(observation, *tensors[count:])


def write_onnx(policy: ActorCritic, path: Path) -> None:
    """Write one step of a policy, for any number of sequences N at a time.

    Inputs are those observations that acting needs, ``hidden`` and ``cell`` (N, H), and ``started`` (N,) bool; outputs
    are ``log_probs`` (N, actions, most bins), ``next_hidden`` and ``next_cell``.

    Raises:
      UserError: packages are missing, or the file cannot be written.
    """
    if importlib.util.find_spec("onnxscript") is None:
        raise UserError(INSTALL)
    names = observation_names(policy.spec)
    size, rows = policy.config.lstm_size, 2
    example = [
        torch.zeros(rows, *policy.spec.shapes[name], dtype=torch.bool if name in policy.spec.masks else torch.float32)
        for name in names
    ]
    example += [torch.zeros(rows, size), torch.zeros(rows, size), torch.zeros(rows, dtype=torch.bool)]
    batch = torch.export.Dim("N")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of the exporter about itself.
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            _Graph(policy.eval(), names),
            tuple(example),
            input_names=[*names, *MEMORY, STARTED],
            output_names=["log_probs", *(f"next_{name}" for name in MEMORY)],
            dynamic_shapes=(tuple({0: batch} for _ in example),),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    write_atomically(path, program.model_proto.SerializeToString())
