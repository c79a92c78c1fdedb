"""Teams of random size in the training loop: nothing is learned from who is absent."""

import dataclasses

import pytest
import torch

from tests.train.test_trainer import TINY
from train.config.intrinsic_config import IntrinsicConfig
from train.intrinsic.reward import IntrinsicReward
from train.trainer import Trainer

TEAMS = dataclasses.replace(
    TINY,
    num_worlds=6,
    scenario=dataclasses.replace(TINY.scenario, hiders=3, seekers=2, random_team_sizes=True, horizon=12),
    intrinsic=IntrinsicConfig(method="counts"),
)


def played(config):
    """Return a trainer that has collected a rollout of several episodes in each world, and who was there (T, N)."""
    trainer, present = Trainer(config), []
    trainer.begin()
    advance = trainer.env.advance

    def note(actions):
        present.append(trainer.env.present_agents.flatten())
        return advance(actions)

    trainer.env.advance = note
    trainer.collect()
    return trainer, torch.stack(present)


def test_absent_agents_are_not_the_learners_own(monkeypatch):
    seen, see = [], IntrinsicReward.see
    monkeypatch.setattr(IntrinsicReward, "see", lambda self, arrival: (seen.append(arrival), see(self, arrival)))
    trainer, present = played(TEAMS)
    assert 0.2 < (~present).float().mean() < 0.6 and (present != present[0]).any()
    assert torch.equal(trainer.buffer.by_step(trainer.buffer.own), present)
    assert torch.equal(torch.stack([arrival.own.flatten() for arrival in seen]), present)


@pytest.mark.parametrize("separate", [False, True], ids=["one policy", "one for each team"])
def test_nothing_is_learned_from_them(separate):
    """With noise in every number of theirs, losses, weights and normalisers are the same to the bit."""
    results = []
    for noise in (0.0, 50.0):
        trainer, present = played(dataclasses.replace(TEAMS, separate_policies=separate))
        buffer = trainer.buffer
        for table in (buffer.rewards, buffer.values, buffer.log_probs, buffer.observation["self"]):
            steps = buffer.by_step(table).clone()
            steps[~present] += noise
            buffer.set_by_step(table, steps)
        losses = trainer.learners.update(buffer, trainer.update_generator)
        results.append((losses, trainer.policy.state_dict()))
    assert results[0][0] == results[1][0]
    assert all(torch.equal(tensor, results[1][1][name]) for name, tensor in results[0][1].items())
