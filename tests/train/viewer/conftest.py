"""A run with two checkpoints and a viewer that is being served."""

import threading

import pytest
import torch

from envs import scenarios
from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.rendering.opengl import make_context
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig
from tests.envs.worlds import ACTION_BINS
from train.config.train_config import TrainConfig
from train.runs.checkpoints import Checkpoint
from train.runs.run_folder import RunFolder
from train.support.json_data import to_plain
from train.viewer.live_world import LiveGame
from train.viewer.player_choice import PlayerChoice
from train.viewer.server import ViewerServer
from train.viewer.viewer import Viewer, ViewerOptions

WORLD = scenarios.get("hide-and-seek/quadrant", horizon=400, preparation_fraction=0.1)


@pytest.fixture(scope="session")
def opengl():
    try:
        make_context(64, 64).free()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A run of two untrained checkpoints."""
    config = TrainConfig(scenario=WORLD, network=NetworkConfig(embedding_size=8, hidden_size=8, lstm_size=8))
    env = BatchEnv(WORLD, 1, threads=1)
    spec = env.observation_spec
    env.close()
    observation = ObservationSpec.from_dict(spec)
    folder = RunFolder(tmp_path_factory.mktemp("viewer") / "mine")
    folder.create(config)
    for iteration in (3, 7):
        torch.manual_seed(iteration)
        policy = ActorCritic(observation, ACTION_BINS, config.network)
        metadata = {
            "config": to_plain(config),
            "counters": {"iteration": iteration},
            "observation_spec": policy.spec.to_dict(),
            "action_bins": list(ACTION_BINS),
        }
        tensors = {f"policy.{name}": tensor for name, tensor in policy.state_dict().items()}
        folder.checkpoints.save(iteration, Checkpoint(tensors, metadata), keep=2)
    return folder.path


class Served:
    """A viewer that runs in a thread of its own."""

    def __init__(self, show, choice, options, host="127.0.0.1"):
        self.viewer = Viewer(show, choice, options)
        self.server = ViewerServer(self.viewer, host, 0)
        self._thread = threading.Thread(target=self.viewer.run, daemon=True)

    def __enter__(self):
        self._thread.start()
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        self.viewer.stop()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()

    def state(self):
        """What the page would be told now."""
        self.viewer.command("describe", {})
        frame = self.viewer.frame(0, 60)
        newer = self.viewer.frame(frame.number, 1.0)
        return (newer or frame).state


@pytest.fixture
def served(opengl, run_folder):
    """A live game of the run's newest checkpoint, at rest."""
    choice = PlayerChoice([run_folder])
    show = LiveGame(WORLD, 0, choice, ("mine 7", "mine 7"))
    with Served(show, choice, ViewerOptions(width=160, height=120, paused=True)) as made:
        yield made
