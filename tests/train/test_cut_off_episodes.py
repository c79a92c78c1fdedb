"""Episodes that were cut off before their end are worth what would have followed."""

import dataclasses
import math

import pytest
import torch

from policies.actor_critic import ActorCritic
from policies.teams import members
from tests.train.test_trainer import TINY
from train.trainer import Trainer

WHOLE = dataclasses.replace(TINY, stagger=False)


def begun(config):
    trainer = Trainer(config)
    trainer.begin()
    return trainer


def note_last_observations(trainer):
    """Return a list that gets the observation (N, ...) of every step before the next episodes start."""
    seen, conclude = [], trainer.env.conclude

    def note(transition):
        seen.append({name: tensor.flatten(0, 1) for name, tensor in trainer.env.observe().items()})
        return conclude(transition)

    trainer.env.conclude = note
    return seen


@pytest.mark.parametrize("separate", [False, True], ids=["one policy", "one for each team"])
def test_a_shortened_first_episode_is_worth_the_value_of_its_last_observation(separate):
    """The first episode of world 0 of 3 ends after a third of 80 steps: at 27. The critic's memory goes on
    up to there."""
    trainer = begun(dataclasses.replace(TINY, separate_policies=separate))
    last = note_last_observations(trainer)
    trainer.collect()
    buffer = trainer.buffer
    cut_off, rewards = buffer.by_step(buffer.cut_off), buffer.by_step(buffer.rewards)
    for agent, network in enumerate([network for network, _ in members(trainer.policy)] * (1 if separate else 2)):
        table = {name: buffer.by_step(tensor)[:27, [agent]] for name, tensor in buffer.observation.items()}
        episode = {name: torch.cat([tensor, last[26][name][None, [agent]]]) for name, tensor in table.items()}
        begins = torch.zeros(28, 1, dtype=torch.bool)
        values = network.evaluate_values(episode, network.initial_state(1), begins)
        torch.testing.assert_close(cut_off[26, [agent]], network.value_normalizer.denormalize(values[27]))
        assert cut_off[26, agent] != 0
    elsewhere = cut_off.clone()
    elsewhere[26, :2] = 0
    assert not elsewhere.any()
    trainer.learners.update(buffer, trainer.update_generator)
    expected = rewards[26, :2] + trainer.config.ppo.gamma * cut_off[26, :2]
    torch.testing.assert_close(buffer.by_step(buffer.targets)[26, :2], expected)


def test_broken_physics_is_worth_the_value_of_the_observation_before():
    trainer = begun(WHOLE)
    env, step, steps = trainer.env, trainer.env.engine.step, []

    def break_world_1(command, substeps):
        steps.append(command)
        if len(steps) == 6:
            velocity = env.engine.velocity[[1]]
            velocity[0, 0, 0] = math.nan
            env.engine.set_bodies(torch.tensor([1]), env.engine.pose[[1]], velocity)
        step(command, substeps)

    env.engine.step = break_world_1
    trainer.collect()
    buffer, expected = trainer.buffer, torch.zeros(30, 6)
    expected[5, 2:4] = buffer.by_step(buffer.values)[5, 2:4]
    assert trainer.num_diverged() == 1 and expected[5, 2:4].all()
    assert torch.equal(buffer.by_step(buffer.cut_off), expected)
    assert buffer.by_step(buffer.dones)[5].tolist() == [False, False, True, True, False, False]


def test_whole_episodes_need_no_value_beyond_their_end(monkeypatch):
    """Three rollouts of 30 steps with ends at 80: the critic is asked for the end of each rollout, and no more."""
    trainer, calls = begun(WHOLE), []
    value = ActorCritic.value
    monkeypatch.setattr(ActorCritic, "value", lambda *args: (calls.append(1), value(*args))[1])
    for _ in range(3):
        trainer.collect()
        assert not trainer.buffer.cut_off.any()
    assert trainer.buffer.dones.any() and len(calls) == 3
