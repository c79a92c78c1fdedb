"""Play a policy with NumPy alone: no torch, no hideseek. ``hideseek export RUN -o policy.npz`` writes the file.

player = NumpyPlayer("policy.npz")
memory = player.begin(sequences)
log_probs, memory = player.step(observation, memory, started)
actions = log_probs.argmax(-1)
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Memory = tuple[Array, Array]


class NumpyPlayer:
    """One step at a time for N sequences: observations and memory in, logarithms of probabilities and memory out."""

    def __init__(self, path: str | Path) -> None:
        with np.load(path) as file:
            self.weights = {name: file[name] for name in file.files if name != "about"}
            self.about = json.loads(str(file["about"]))
        if self.about["format"] != 1:
            raise ValueError(f"{path} has format {self.about['format']}; this player reads format 1")

    def begin(self, sequences: int) -> Memory:
        """Return the memory with which episodes begin."""
        zeros = np.zeros((sequences, self.about["memory"]), np.float32)
        return zeros, zeros

    def step(self, observation: dict[str, NDArray], memory: Memory, started: NDArray) -> tuple[Array, Memory]:
        """Take one step.

        Args:
          observation: arrays (N, ...) as the environment names them.
          memory: what ``begin`` or the last step returned.
          started: (N,) bool: the episode begins with this step.

        Returns:
          (N, actions, most bins), minus infinity where an action has fewer bins; and the new memory.
        """
        inputs = self._norm_if("dense_norm", relu(self._dense("tower.dense", self._pooled(observation))))
        keep = ~started[:, None]
        hidden, cell = memory[0] * keep, memory[1] * keep
        gates = self._dense("tower.lstm.lstm", inputs, "_ih_l0") + self._dense("tower.lstm.lstm", hidden, "_hh_l0")
        write, forget, new, read = np.split(gates, 4, axis=-1)
        cell = sigmoid(forget) * cell + sigmoid(write) * np.tanh(new)
        hidden = sigmoid(read) * np.tanh(cell)
        logits = self._dense("head.linear", self._norm("output_norm", hidden))
        parts = np.split(logits, np.cumsum(self.about["bins"])[:-1], axis=-1)
        table = np.full((len(logits), len(parts), max(self.about["bins"])), -np.inf, np.float32)
        for action, part in enumerate(parts):
            shifted = part - part.max(-1, keepdims=True)
            table[:, action, : part.shape[-1]] = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
        return table, (hidden, cell)

    def _pooled(self, observation: dict[str, NDArray]) -> Array:
        """Return (N, 2 embeddings): the agent's own, and the average of what it attends to."""
        seen = {name: self._normalized(name, value) for name, value in observation.items()}
        own = seen["self"]
        if self.about["lidar"]:
            own = np.concatenate([own, self._lidar(seen["lidar"])], axis=-1)
        *shares, self_share = np.split(self._dense("tower.encoder.own_dense", own)[:, None], len(self._kinds) + 1, -1)
        weight = "tower.encoder.entity_dense.of_{}.weight"
        parts = [seen[k] @ self.weights[weight.format(k)].T + s for k, s in zip(self._kinds, shares, strict=True)]
        entities = relu(np.concatenate([*parts, self_share], axis=1))
        masks = [observation[f"{kind}_visible"] for kind in self._kinds]
        mask = np.concatenate([*masks, np.ones((len(own), 1), bool)], axis=1)
        both = np.concatenate([entities[:, -1], self._attend(entities, mask)], axis=-1)
        return self._norm_if("pooled_norm", both)

    @property
    def _kinds(self) -> list[str]:
        return self.about["entities"]

    def _normalized(self, name: str, value: NDArray) -> NDArray:
        mean = self.weights.get(f"normalizer.normalizers.of_{name}.mean")
        if mean is None:
            return value
        scaled = (value - mean) / self.weights[f"normalizer.normalizers.of_{name}.std"]
        return np.clip(scaled, -5.0, 5.0).astype(np.float32)

    def _lidar(self, rays: Array) -> Array:
        """Convolve over the ring of rays, (N, rays) -> (N, filters * rays)."""
        weight, bias = (self.weights[f"tower.encoder.lidar_conv.{name}"] for name in ("weight", "bias"))
        margin = self.about["lidar_kernel"] // 2
        ring = np.concatenate([rays[:, rays.shape[1] - margin :], rays, rays[:, :margin]], axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(ring, self.about["lidar_kernel"], axis=1)
        return relu(np.einsum("nrk,fk->nfr", windows, weight[:, 0]) + bias[:, None]).reshape(len(rays), -1)

    def _attend(self, entities: Array, mask: NDArray) -> Array:
        """Return the masked average (N, D) of entities (N, E, D) after residual self-attention."""
        heads, name = self.about["heads"], "tower.attention"
        query, key = np.split(self._dense(f"{name}.query_key", entities), 2, axis=-1)
        query, key, value = (
            x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)
            for x in (query, key, self._dense(f"{name}.value", entities))
        )
        logits = query @ key.swapaxes(-1, -2) * query.shape[-1] ** -0.5
        logits = np.where(mask[:, None, None], logits, -np.inf)
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        mixed = ((weights / weights.sum(-1, keepdims=True)) @ value).swapaxes(1, 2).reshape(entities.shape)
        result = entities + self._dense(f"{name}.output", mixed)
        if self.about["attention_layer_norm"]:
            result = self._norm("attention.norm", result)
        return (result * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)

    def _dense(self, name: str, inputs: Array, suffix: str = "") -> Array:
        return inputs @ self.weights[f"{name}.weight{suffix}"].T + self.weights[f"{name}.bias{suffix}"]

    def _norm_if(self, name: str, inputs: Array) -> Array:
        return self._norm(name, inputs) if self.about["layer_norm"] else inputs

    def _norm(self, name: str, inputs: Array) -> Array:
        centred = inputs - inputs.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * self.weights[f"tower.{name}.weight"] + self.weights[f"tower.{name}.bias"]


def relu(x: Array) -> Array:
    """Return x where it is positive, else 0."""
    return np.maximum(x, 0)


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))
