"""Numbers of options: refused before anything is made, and the unusual ones that have a meaning work to the end."""

import json

import pytest
import torch

from envs.adapters.gymnasium_env import HideSeekVectorEnv
from envs.adapters.pettingzoo_env import parallel_env
from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.options.ranges import LAST_SEED
from envs.scenarios import get
from tests.train.league.test_league import new_league
from train.cli import main
from train.config.presets import get_preset
from train.config.train_config import TrainConfig
from train.runs.checkpoints import load_checkpoint
from train.runs.run_folder import RunFolder
from train.support.json_data import from_plain

TINY = [
    *("--num-worlds", "2", "--network.lstm-size", "8", "--network.hidden-size", "8", "--network.embedding-size", "8"),
    *("--ppo.rollout-steps", "20", "--ppo.minibatches", "2", "--ppo.epochs", "1", "--scenario.horizon", "20"),
    *("--ppo.learning-rate", "1e-3", "--ppo.final-learning-rate", "1e-3"),
]


def train(folder, *words):
    return main(["train", "quickstart", "--run-dir", str(folder), "--iterations", "1", *TINY, *words])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ppo.max-grad-norm", "0"], "--ppo.max-grad-norm is 0.0; it must be positive"),
        (["--ppo.max-grad-norm", "-1"], "--ppo.max-grad-norm is -1.0; it must be positive"),
        (["--ppo.max-grad-norm", "nan"], "--ppo.max-grad-norm is nan; it must be a number"),
        (["--ppo.learning-rate", "inf"], "--ppo.learning-rate is inf; it must be finite"),
        (["--ppo.clip", "-0.2"], "--ppo.clip is -0.2; it must be positive"),
        (["--ppo.gamma", "1.01"], "--ppo.gamma is 1.01; it must be in [0, 1]"),
        (["--ppo.adam-eps", "0"], "--ppo.adam-eps is 0.0; it must be positive"),
        (["--ppo.entropy-coefficient", "-1"], "--ppo.entropy-coefficient is -1.0; it must not be negative"),
        (["--league.fraction", "nan"], "--league.fraction is nan; it must be a number"),
        (["--report.video-interval", "-1"], "--report.video-interval is -1; it must not be negative"),
        (["--network.lidar-kernel", "-1"], "--network.lidar-kernel is -1; it must be from 1 to 4096"),
        (["--network.lidar-kernel", "75"], "--network.lidar-kernel is 75, too wide for 30 rays"),
        (["--threads", "1000000"], "--threads is 1000000; it must be from 0 to 1024"),
        (["--num-worlds", "9" * 400], "must be at most 2147483647"),
        (["--seed", str(2**32)], "--seed is 4294967296; it must be from 0 to 4294967295"),
        (["--scenario.gravity", "nan"], "gravity is nan; it must be a number"),
        (["--scenario.food.health", "inf"], "food.health is inf; it must be finite"),
    ],
)
def test_refused_before_a_folder_is_made(tmp_path, capsys, words, said):
    assert train(tmp_path / "run", *words) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bench", "--seconds", "nan"], "--seconds is nan"),
        (["bench", "--num-worlds", "0"], "--num-worlds is 0; each number must be at least 1"),
        (["bench", "--num-worlds", "4", "0"], "--num-worlds is (4, 0); each number must be at least 1"),
        (["evaluate", "x", "--threads", "-1"], "--threads is -1; it must not be negative"),
        (["evaluate", "x", "--seed", "-1"], "--seed is -1; it must not be negative"),
        (["stages", "x", "--num-worlds", "0"], "--num-worlds is 0; it must be at least 1"),
        (["transfer", "x", "--scale", "inf"], "--scale is inf; it must be finite"),
        (["record", "--agent", "random", "--episodes", "-3"], "--episodes is -3; it must be at least 1"),
        (["video", "--agent", "random", "--speed", "nan"], "--speed is nan"),
        (["video", "--agent", "random", "--width", "0"], "--width is 0; it must be from 64 to 4096"),
        (["watch", "--port", "70000"], "--port is 70000; it must be from 0 to 65535"),
        (["scene", "explore/small", "-o", "x.xml", "--seed", str(2**64)], "--seed is 18446744073709551616"),
    ],
)
def test_other_commands_say_it_in_one_line(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def strict_json(path):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def test_infinity_means_no_clipping_and_survives_every_file(tmp_path):
    """Never clipped is the same as a limit that no gradient reaches; the run can be resumed and played."""
    weights = []
    for name, norm in (("inf", "inf"), ("large", "1e30")):
        assert train(tmp_path / name, "--ppo.max-grad-norm", norm) == 0
        weights.append(load_checkpoint(RunFolder(tmp_path / name).checkpoints.file(1)).group("policy"))
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())
    folder = tmp_path / "inf"
    plain = strict_json(folder / "config.json")["config"]
    assert plain["ppo"]["max_grad_norm"] == "Infinity"
    assert from_plain(TrainConfig, plain, "x").ppo.max_grad_norm == float("inf")
    assert main(["train", "--resume", str(folder), "--iterations", "2"]) == 0
    assert main(["evaluate", str(folder), "--episodes", "2"]) == 0
    override = tmp_path / "o.json"
    override.write_text(json.dumps({"ppo": {"max_grad_norm": "Infinity"}}))
    assert train(tmp_path / "third", "--override", str(override)) == 0
    assert strict_json(tmp_path / "third" / "config.json")["overrides"][str(override)] == {
        "ppo.max_grad_norm": "Infinity"
    }


@pytest.mark.parametrize("seed", [20251125, LAST_SEED])
def test_any_seed_works_in_every_command(tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    words = ["--seed", str(seed), "--league.rating-interval", "1", "--league.interval", "1", "--league.fraction", "0.9"]
    assert train("run", *words, "--league.rating-episodes", "2", "--intrinsic", "counts") == 0
    assert main(["train", "--resume", "run", "--iterations", "2"]) == 0
    small = ["--seed", str(seed)]
    assert main(["evaluate", "run", "random", "--episodes", "2", *small]) == 0
    assert main(["record", "run", "-o", "a.npz", *small]) == 0
    assert main(["stages", "run", "--episodes", "2", "--no-videos", *small]) == 0
    assert main(["scene", "hide-and-seek/quickstart", "-o", "a.xml", *small]) == 0


@pytest.mark.parametrize("seed", [LAST_SEED, 20251125, 0])
def test_any_seed_works_in_the_api(seed):
    env = BatchEnv(get("hide-and-seek/quickstart"), 1, seed, threads=1)
    env.reset()
    env.reseed(seed)
    first, again = (env.reset()["self"], env.reseed(seed), env.reset()["self"])[::2]
    assert torch.equal(first, again)
    env.close()
    for made in (
        parallel_env(scenario="hide-and-seek/quickstart"),
        HideSeekVectorEnv("hide-and-seek/quickstart", num_envs=2),
    ):
        made.reset(seed=seed)
        made.close()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_other_seeds_are_one_line_in_the_api(seed):
    with pytest.raises(UserError, match=f"seed is {seed}; it must"):
        BatchEnv(get("hide-and-seek/quickstart"), 1, seed)
    with pytest.raises(UserError, match="num_worlds is 0; it must be at least 1"):
        BatchEnv(get("hide-and-seek/quickstart"), 0)
    with pytest.raises(UserError, match="threads is -1; it must not be negative"):
        BatchEnv(get("hide-and-seek/quickstart"), 1, threads=-1)
    env = parallel_env(scenario="hide-and-seek/quickstart")
    with pytest.raises(UserError, match=f"seed is {seed}; it must"):
        env.reset(seed=seed)


def test_draws_of_small_seeds_are_what_they_were():
    for seed, iteration in ((0, 0), (7, 12), (9_000_000_000_000, 3)):
        league = new_league(seed=seed)
        league.begin_rollout(iteration)
        assert league._draws.initial_seed() == seed * 1_000_003 + iteration
        assert league._noise_seed == (seed * 1_000_003 + iteration) * 1_000_003 % 2**62


def test_the_last_seed_does_not_count_on_beyond_itself():
    assert get_preset("quickstart").seed == 0
    league = new_league(seed=LAST_SEED)
    league.begin_rollout(5)
    assert league._draws.initial_seed() == (LAST_SEED * 1_000_003 + 5) % 2**64
