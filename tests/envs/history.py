"""What environments return over some steps, and whether it is the same to the bit."""

import torch

from envs.env_checks import random_actions
from tests.envs.worlds import NO_ACTION


def rest(env):
    return torch.tensor(NO_ACTION).expand(env.num_worlds, env.num_agents, 5).contiguous()


def play(env, steps, seed=0):
    """Everything that ``steps`` random steps return, flat."""
    generator = torch.Generator().manual_seed(seed)
    history = []
    for _ in range(steps):
        result = env.step(random_actions(env, generator))
        named = {"reward": result.reward, "done": result.done, "live": result.live, "seen": result.hiders_seen}
        history.append(result.obs | named | {f"stat/{k}": v for k, v in result.statistics.items()})
    return history


def assert_same(ours, theirs):
    for step, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert a.keys() == b.keys(), step
        for name in a:
            assert torch.equal(a[name], b[name]), (step, name)
