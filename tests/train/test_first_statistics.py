"""Before the first iteration a rollout of random play gives the scale of observations, and leaves nothing
else behind."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from policies.teams import members
from tests.envs.worlds import needs_warp
from tests.train.processes import run_ranks
from tests.train.test_trainer import TINY, resume, train
from train.play.players import flatten_agents
from train.runs.checkpoints import load_checkpoint
from train.runs.run_folder import RunFolder
from train.trainer import Trainer

TEAMS = dataclasses.replace(
    TINY,
    num_worlds=4,
    scenario=dataclasses.replace(TINY.scenario, hiders=2, seekers=2, random_team_sizes=True, horizon=12),
)
RND = dataclasses.replace(TINY.intrinsic, method="rnd", hidden_size=8, features=4, minibatches=2)


def begun(config):
    trainer = Trainer(config)
    trainer.begin()
    return trainer


def random_play(config, of=slice(None)):
    """What agents that are there observe of themselves in a rollout of random play, (n, D), made step by step."""
    scenario = config.scenario
    env = BatchEnv(scenario, config.num_worlds, config.seed, threads=1, stagger=config.stagger)
    bins, generator = torch.tensor(env.action_bins), torch.Generator().manual_seed(config.seed + 2)
    obs, rows = env.reset(), []
    for _ in range(config.ppo.rollout_steps):
        rows.append(obs["self"][:, of][env.present_agents[:, of]])
        shape = (config.num_worlds, scenario.num_agents, 5)
        actions = (torch.rand(shape, generator=generator) * bins).long().minimum(bins - 1)
        obs = env.step(actions).obs
    return torch.cat(rows)


def scale(network):
    normalizer = network.observation_normalizer._of("self")
    return normalizer.mean, normalizer.std


def assert_scale(network, rows):
    mean, std = scale(network)
    torch.testing.assert_close(mean, rows.mean(0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(std, rows.std(0, correction=0).clamp_min(0.1), rtol=1e-3, atol=1e-4)


def test_statistics_are_those_of_random_play():
    """In 30 steps of episodes of 12, cut short at first; absent agents, who observe placeholders, are left out."""
    trainer = begun(TEAMS)
    rows = random_play(TEAMS)
    assert len(rows) < 30 * 4 * 4
    assert_scale(trainer.policy, rows)
    assert not trainer.policy.value_normalizer.fitted


def test_each_teams_network_gets_its_own():
    config = dataclasses.replace(TEAMS, separate_policies=True)
    for network, agents in members(begun(config).policy):
        assert_scale(network, random_play(config, agents))


def test_the_first_updates_inputs_are_of_the_order_of_one():
    """Raw numbers are positions, distances and speeds in metres and seconds."""
    trainer = begun(TINY)
    trainer.collect()
    seen = trainer.policy.observation_normalizer(trainer.buffer.observation)
    for name in ("self", "lidar"):
        assert seen[name].mean() == pytest.approx(0.0, abs=0.2) and seen[name].std() == pytest.approx(1.0, abs=0.3), (
            name
        )


@pytest.mark.parametrize("engine", ["mujoco", pytest.param("warp", marks=[needs_warp, pytest.mark.warp])])
def test_nothing_else_is_left_of_it(engine):
    """Worlds, random numbers, weights and counters are those of a run that began without."""
    config = dataclasses.replace(TINY, engine=engine)
    trainer, other = Trainer(config), Trainer(config)
    trainer.begin()
    fresh = BatchEnv(TINY.scenario, 3, TINY.seed, threads=1, stagger=TINY.stagger, engine=engine)
    first = flatten_agents(fresh.reset())
    assert trainer.obs.keys() == first.keys()
    assert all(torch.equal(tensor, first[name]) for name, tensor in trainer.obs.items())
    state, expected = trainer.env.state_dict(), fresh.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in state.items())
    for name, tensor in trainer.policy.state_dict().items():
        assert torch.equal(tensor, other.policy.state_dict()[name]) != ("observation_normalizer" in name), name
    for generator in ("action_generator", "update_generator"):
        assert torch.equal(getattr(trainer, generator).get_state(), getattr(other, generator).get_state())
    assert (trainer.iteration, trainer.env_steps, trainer.num_diverged()) == (0, 0, 0)
    assert trainer.started.all() and not any(memory.any() for memory in trainer.state)
    trainer.collect()  # The first step of the rollout is the first of the episodes.
    assert torch.equal(trainer.buffer.by_step(trainer.buffer.observation["self"])[0], first["self"])


def test_statistics_that_are_there_stay(tmp_path, monkeypatch):
    """Those of ``init_from``; nothing is played for them. What is missing among them is fitted."""
    run = train(tmp_path / "a", dataclasses.replace(TINY, iterations=1))
    taken = load_checkpoint(run.checkpoints.file(1)).group("policy")
    monkeypatch.setattr(BatchEnv, "step", lambda *_: pytest.fail("nothing needs to be played"))
    config = dataclasses.replace(TINY, seed=3, init_from=str(run.path))
    trainer = begun(config)
    assert all(torch.equal(tensor, taken[name]) for name, tensor in trainer.policy.state_dict().items())
    monkeypatch.undo()
    trainer = Trainer(TINY)
    fitted = {name: t for name, t in taken.items() if "observation_normalizer" in name and "of_boxes" not in name}
    trainer.policy.load_state_dict(trainer.policy.state_dict() | fitted)
    trainer.begin()
    after = trainer.policy.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in fitted.items())
    assert trainer.policy.observation_normalizer._of("boxes").fitted


def test_distillation_gets_its_own_also_beside_weights_of_another_run(tmp_path):
    run = train(tmp_path / "a", dataclasses.replace(TINY, iterations=1))
    rows = random_play(TINY)
    for init_from in (None, str(run.path)):
        config = dataclasses.replace(TINY, intrinsic=RND, init_from=init_from)
        trainer = begun(config)
        tensors = trainer.intrinsic.tensors()
        torch.testing.assert_close(tensors["normalizer.normalizers.of_self.mean"], rows.mean(0), rtol=1e-4, atol=1e-5)
        metrics = trainer.iterate()
        assert metrics["intrinsic/bonus"] > 0


def test_a_run_goes_on_from_a_checkpoint_before_its_first_iteration(tmp_path):
    config = dataclasses.replace(TINY, iterations=2)
    run, whole = RunFolder(tmp_path / "a"), train(tmp_path / "b", config)
    trainer = begun(config)
    run.create(config)
    trainer.save(run)
    resume(run, config)
    first, second = (load_checkpoint(each.checkpoints.file(2)).tensors for each in (run, whole))
    assert first.keys() == second.keys()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@pytest.mark.slow
def test_two_processes_fit_what_one_fits(tmp_path):
    """Three worlds of 1 and 2; the runs end after an iteration so short that learning hardly moves anything."""
    words = ["train", "quickstart", "--torch-threads", "1", "--num-worlds", "3", "--iterations", "1"]
    words += ["--scenario.horizon", "12", "--ppo.rollout-steps", "20", "--ppo.epochs", "1", "--ppo.minibatches", "1"]
    words += ["--network.embedding-size", "8", "--network.lstm-size", "8", "--network.hidden-size", "8"]
    ends, outs = [], []
    for count in (1, 2):
        folder = tmp_path / str(count)
        results = run_ranks([*words, "--run-dir", str(folder)], count, tmp_path / "output" / str(count))
        assert all(status == 0 for status, *_ in results), results
        outs.append("".join(out for _, out, _ in results))
        ends.append(load_checkpoint(RunFolder(folder).checkpoints.file(1)).group("policy"))
    assert all(out.count("60 env steps of random play") == 1 for out in outs)
    for name, tensor in ends[0].items():
        if "observation_normalizer" in name:
            torch.testing.assert_close(tensor, ends[1][name], rtol=1e-6, atol=1e-7, msg=name)


def test_it_is_said():
    said = []
    Trainer(TINY).begin(said.append)
    assert said == ["first 90 env steps of random play, which count nowhere: they give the scale of observations"]
