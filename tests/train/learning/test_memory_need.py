"""The estimate of memory against what is really allocated."""

import dataclasses

import pytest
import torch

from envs.errors import UserError
from tests.train.test_trainer import TINY
from train.config.starts_config import StartsConfig
from train.learning import memory_need
from train.learning.memory_need import available_memory, memory_needed, require_memory, size
from train.learning.rollouts import RolloutBuffer
from train.runs.run_folder import RunFolder
from train.support.ranks import Ranks
from train.trainer import Trainer


@pytest.fixture(scope="module")
def need():
    return memory_needed(TINY)


def test_rollout_is_what_the_buffer_allocates(need):
    trainer = Trainer(TINY)
    buffer: RolloutBuffer = trainer.buffer
    tables = [value for value in vars(buffer).values() if isinstance(value, torch.Tensor)]
    assert need.rollout == sum(table.nbytes for table in [*tables, *buffer.observation.values(), *buffer.state])
    assert 1 <= need.worlds / (3 * trainer.env.bytes_per_world) < 2  # what worlds share is counted for each
    trainer.close()


def test_what_a_teacher_would_have_done_is_counted(need, tmp_path):
    run = RunFolder(tmp_path / "teacher")
    run.create(TINY)
    trainer = Trainer(TINY)
    trainer.begin()
    trainer.save(run)
    trainer.close()
    taught = dataclasses.replace(TINY, ppo=dataclasses.replace(TINY.ppo, teacher=str(run.path)))
    trainer = Trainer(taught)
    trainer.teacher.see(trainer.buffer)
    assert memory_needed(taught).rollout == need.rollout + trainer.buffer.teacher.nbytes
    trainer.close()


def test_start_states_are_counted(need):
    kept = dataclasses.replace(TINY, starts=StartsConfig(share=0.5, size=1000))
    trainer = Trainer(kept)
    assert memory_needed(kept).starts == sum(t.nbytes for t in trainer.starts.buffer.starts.tensors.values())
    assert need.starts == 0
    trainer.close()


def test_fewer_worlds_keep_no_fewer_start_states(need, monkeypatch):
    kept = dataclasses.replace(TINY, starts=StartsConfig(share=0.5, size=1000))
    starts = memory_needed(kept).starts
    monkeypatch.setattr(memory_need, "available_memory", lambda device: starts + need.total * 2 // 3 + 1)
    with pytest.raises(UserError, match=r"start states .* use --num-worlds 2 or fewer"):
        require_memory(kept)
    monkeypatch.setattr(memory_need, "available_memory", lambda device: starts // 2)
    with pytest.raises(UserError, match=r"use a smaller --starts\.size"):
        require_memory(kept)


def test_grows_with_worlds_and_falls_with_minibatches(need):
    twice = memory_needed(dataclasses.replace(TINY, num_worlds=6))
    assert twice.worlds == 2 * need.worlds and twice.rollout == 2 * need.rollout
    assert twice.update == pytest.approx(2 * need.update, rel=0.01)
    ppo = dataclasses.replace(TINY.ppo, minibatches=4)
    assert memory_needed(dataclasses.replace(TINY, ppo=ppo)).update == pytest.approx(need.update / 2, rel=0.01)


def test_processes_of_one_machine_share_its_memory(need):
    two = memory_needed(dataclasses.replace(TINY, num_worlds=6), Ranks(0, 2, 0, 2))
    assert two.rollout == 2 * need.rollout


def test_too_many_worlds_are_refused_in_one_line(need, monkeypatch):
    monkeypatch.setattr(memory_need, "available_memory", lambda device: need.total * 2 // 3 + 1)
    with pytest.raises(UserError, match="3 worlds do not fit; use --num-worlds 2 or fewer") as caught:
        require_memory(TINY)
    assert "\n" not in str(caught.value)


def test_what_fits_is_said(need, capsys):
    require_memory(TINY)
    assert capsys.readouterr().out.startswith("memory: worlds ")
    assert available_memory("cpu") > 2**30


def test_the_random_numbers_of_the_run_are_left_alone():
    before = torch.get_rng_state()
    memory_needed(TINY)
    assert torch.equal(before, torch.get_rng_state())


def test_sizes_for_people():
    assert [size(n) for n in (512, 63 * 2**20, 1.5 * 2**30)] == ["512 B", "63 MiB", "1.5 GiB"]
