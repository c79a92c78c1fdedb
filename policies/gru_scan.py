"""A GRU over many steps, with the gradient through all of them written out: the recurrence of `side_by_side`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_tanh_backward = torch.ops.aten.tanh_backward.grad_input
_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input


class GRUScan(torch.autograd.Function):
    """Memories of G players with N sequences each over T steps; gates as in ``torch.nn.GRU``.

    Recording every small operation would cost more than the operations. This is as fast as torch's fused LSTM, since a
    step works on what the processor's cache still holds.
    """

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, state: Tensor, w: Tensor, b: Tensor, to_gates: Tensor, to_new: Tensor, c: Tensor
    ) -> Tensor:
        """Return the memories (T, G, N, H) after each step.

        Args:
            ctx: What the backward pass needs is kept here.
            inputs: Inputs of every step (T, G, N, D); data, to which no gradient flows.
            state: Memory before the first step (G, N, H); likewise.
            w: Weights from inputs to reset gate, update gate and new memory (G, D, 3H).
            b: Their bias (G, 1, 3H).
            to_gates: Weights from memory to both gates (G, H, 2H).
            to_new: Weights from memory to new memory (G, H, H).
            c: Bias of the memory's part of the new memory, before the reset gate (G, 1, H).
        """
        size = state.shape[-1]
        shape = (*inputs.shape[:-1], size)
        memories, candidates, recalls = state.new_empty(shape), state.new_empty(shape), state.new_empty(shape)
        opened = state.new_empty((*shape[:-1], 2 * size))
        before = state
        for t in range(len(inputs)):
            given = torch.baddbmm(b, inputs[t], w)
            torch.baddbmm(given[..., : 2 * size], before, to_gates, out=opened[t]).sigmoid_()
            reset, update = opened[t].split(size, -1)
            recall = torch.baddbmm(c, before, to_new, out=recalls[t])
            candidate = torch.addcmul(given[..., 2 * size :], reset, recall, out=candidates[t]).tanh_()
            before = torch.lerp(candidate, before, update, out=memories[t])
        ctx.save_for_backward(inputs, state, to_gates, to_new, memories, opened, candidates, recalls)
        return memories

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of all parameters for that of the memories (T, G, N, H)."""
        inputs, state, to_gates, to_new, memories, opened, candidates, recalls = ctx.saved_tensors
        players, sequences, size = state.shape
        from_gates, from_new = to_gates.mT.contiguous(), to_new.mT.contiguous()
        of_w = state.new_zeros(players, inputs.shape[-1], 3 * size)
        of_to_gates, of_to_new = torch.zeros_like(to_gates), torch.zeros_like(to_new)
        of_state, total, kept, of_recall = (torch.zeros_like(state) for _ in range(4))
        of_given, all_given = (state.new_zeros(players, sequences, 3 * size) for _ in range(2))
        all_recall = torch.zeros_like(state)
        of_reset, of_update, of_new = of_given.split(size, -1)
        of_gates = of_given[..., : 2 * size]
        for t in reversed(range(len(memories))):
            before = memories[t - 1] if t else state
            reset, update = opened[t].split(size, -1)
            torch.add(of_state, gradient[t], out=total)
            torch.mul(total, update, out=kept)
            _tanh_backward(total - kept, candidates[t], grad_input=of_new)
            _sigmoid_backward((before - candidates[t]).mul_(total), update, grad_input=of_update)
            _sigmoid_backward(of_new * recalls[t], reset, grad_input=of_reset)
            torch.mul(of_new, reset, out=of_recall)
            torch.baddbmm(kept, of_gates, from_gates, out=of_state).baddbmm_(of_recall, from_new)
            of_w.baddbmm_(inputs[t].mT, of_given)
            of_to_gates.baddbmm_(before.mT, of_gates)
            of_to_new.baddbmm_(before.mT, of_recall)
            all_given.add_(of_given)
            all_recall.add_(of_recall)
        biases = all_given.sum(1, keepdim=True), all_recall.sum(1, keepdim=True)
        return None, None, of_w, biases[0], of_to_gates, of_to_new, biases[1]
