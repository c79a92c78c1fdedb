"""Exported policies do what the policy does, on recorded episodes."""

import dataclasses

import numpy as np
import pytest
import torch

from policies.actor_critic import LSTMState
from policies.actor_step import ActorStep
from policies.teams import members
from policies.tower import NetworkConfig
from tests.examples.scripts import load
from tests.train.test_trade_training import TINY as MARKET
from tests.train.test_trainer import TINY, train
from train.cli import main
from train.play.episode_files import load_episodes
from train.runs.saved_policy import load_policy

NORMS = [(True, False), (True, True), (False, False)]


@pytest.fixture(scope="module", params=NORMS, ids=["norms", "norms in attention", "no norms"])
def run(request, tmp_path_factory):
    layer_norm, attention_layer_norm = request.param
    network = dataclasses.replace(TINY.network, layer_norm=layer_norm, attention_layer_norm=attention_layer_norm)
    assert isinstance(network, NetworkConfig)
    return train(tmp_path_factory.mktemp("runs") / "a", dataclasses.replace(TINY, network=network), stop_after=2)


@pytest.fixture(scope="module")
def played(run, tmp_path_factory):
    """Observations (T, N, ...) of ten recorded episodes played again, and what torch would do, (T, N, 5)."""
    from envs.batch_env import BatchEnv
    from envs.layouts import Layout
    from train.play.players import flatten_agents

    file = tmp_path_factory.mktemp("episodes") / "x.npz"
    assert main(["record", str(run.path), "-o", str(file), "--episodes", "10"]) == 0
    episodes = load_episodes(file)
    saved = load_policy(run.path)
    env = BatchEnv(saved.config.scenario, 10)
    obs = env.reset(Layout.stack([episode.layout for episode in episodes]))
    actions = torch.from_numpy(np.stack([episode.actions for episode in episodes]))
    state, seen, chosen = saved.policy.initial_state(20), [], []
    for step in range(40):
        flat = flatten_agents(obs)
        started = torch.full((20,), step == 0)
        greedy, _, state = saved.policy.act(flat, state, started, deterministic=True)
        seen.append({name: values.numpy() for name, values in flat.items()})
        chosen.append(greedy.numpy())
        obs = env.step(actions[:, step].long()).obs
    assert isinstance(state, LSTMState)
    return seen, chosen


def test_numpy_player(run, played, tmp_path):
    assert main(["export", str(run.path), "-o", str(tmp_path / "p.npz")]) == 0
    player = load("numpy_player").NumpyPlayer(tmp_path / "p.npz")
    memory = player.begin(20)
    for step, (seen, expected) in enumerate(zip(*played, strict=True)):
        log_probs, memory = player.step(seen, memory, np.full(20, step == 0))
        assert (log_probs.argmax(-1) == expected).all()


def test_onnx(run, played, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    assert main(["export", str(run.path), "-o", str(tmp_path / "p.onnx")]) == 0
    session = runtime.InferenceSession(str(tmp_path / "p.onnx"))
    names = {node.name for node in session.get_inputs()}
    hidden = cell = np.zeros((20, TINY.network.lstm_size), np.float32)
    for step, (seen, expected) in enumerate(zip(*played, strict=True)):
        inputs = {name: values for name, values in seen.items() if name in names}
        inputs |= {"hidden": hidden, "cell": cell, "started": np.full(20, step == 0)}
        log_probs, hidden, cell = session.run(["log_probs", "next_hidden", "next_cell"], inputs)
        assert (log_probs.argmax(-1) == expected).all()


def write(run, file, *words):
    """Export, and return the arrays that say whose weights they are."""
    assert main(["export", str(run.path), "-o", str(file), *words]) == 0
    with np.load(file) as arrays:
        return {name: arrays[name] for name in arrays.files if name.startswith(("head.", "tower."))}


def are_of(arrays, network):
    weights = ActorStep(network).state_dict()
    return all(np.array_equal(values, weights[name]) for name, values in arrays.items())


def test_a_network_for_each_team(tmp_path, capsys):
    run, file = (
        train(tmp_path / "a", dataclasses.replace(TINY, separate_policies=True), stop_after=1),
        tmp_path / "p.npz",
    )
    for words in ([], ["--agent", "0"], ["--side", "hiders", "--agent", "0"]):
        assert main(["export", str(run.path), "-o", str(file), *words]) == 2
        assert "say which: --side hiders or --side seekers" in capsys.readouterr().err
    hiders, seekers = (network for network, _ in members(load_policy(run.path).policy))
    written = write(run, file, "--side", "seekers")
    assert are_of(written, seekers) and not are_of(written, hiders)
    assert are_of(write(run, file, "--side", "hiders"), hiders)


def test_a_network_for_each_agent(tmp_path, capsys):
    """Two of each team, so that a side's name means no network of the four."""
    scenario = dataclasses.replace(TINY.scenario, hiders=2, seekers=2)
    config = dataclasses.replace(TINY, scenario=scenario, agent_policies=True)
    run, file = train(tmp_path / "a", config, stop_after=0), tmp_path / "new" / "p.npz"
    for words in ([], ["--side", "seekers"], ["--agent", "4"], ["--side", "hiders", "--agent", "0"]):
        assert main(["export", str(run.path), "-o", str(file), *words]) == 2
        assert "a network for each agent; say which: --agent N, N from 0 to 3" in capsys.readouterr().err
    assert not file.parent.exists()
    networks = [network for network, _ in members(load_policy(run.path).policy)]
    for agent in range(4):
        written = write(run, file, "--agent", str(agent))
        assert [are_of(written, network) for network in networks] == [other == agent for other in range(4)]


def test_six_components_of_a_market(tmp_path):
    run = train(tmp_path / "a", MARKET, stop_after=0)
    write(run, tmp_path / "p.npz", "--agent", "1")
    player = load("numpy_player").NumpyPlayer(tmp_path / "p.npz")
    shapes = load_policy(run.path).policy.spec.shapes
    log_probs, _ = player.step(
        {name: np.zeros((3, *shape), np.float32) for name, shape in shapes.items()}, player.begin(3), np.ones(3, bool)
    )
    assert log_probs.shape == (3, 6, 5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["RUN", "-o", "x.pt"], "has no known extension; it must be .onnx"),
        (["RUN", "-o", "x.npz", "--side", "hiders"], "one network for all agents; leave out --side hiders"),
        (["RUN", "-o", "x.npz", "--agent", "0"], "one network for all agents; leave out --agent 0"),
        (["RUN", "-o", "new/x.safetensors", "--agent", "0"], "leave out --side and --agent"),
        (["nowhere", "-o", "x.npz"], "no run or checkpoint at nowhere"),
    ],
)
def test_mistakes(run, words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *(word.replace("RUN", str(run.path)) for word in words)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
