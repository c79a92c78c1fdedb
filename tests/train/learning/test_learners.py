"""Networks trained side by side."""

import dataclasses

import pytest

from tests.train.test_trainer import TINY
from train.trainer import Trainer


@pytest.mark.parametrize("flag", ["separate_policies", "agent_policies"])
def test_advantages_have_the_moments_of_their_own_network(flag):
    """Start states read them after all networks have learned."""
    scenario = dataclasses.replace(TINY.scenario, preparation_fraction=0.1)  # Seekers are free for most of a rollout.
    trainer = Trainer(dataclasses.replace(TINY, threads=1, scenario=scenario, **{flag: True}))
    trainer.begin()
    trainer.iterate()
    trainer.close()
    buffer = trainer.buffer
    for learner in trainer.learners.learners:
        theirs = buffer.advantages[buffer.mask(learner.sequences) & (buffer.weights > 0)]
        assert len(theirs) > 20
        assert theirs.mean().item() == pytest.approx(0, abs=1e-5)
        assert theirs.std(correction=0).item() == pytest.approx(1, abs=1e-3)
