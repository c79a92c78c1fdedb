"""The notebook runs from top to bottom and shows what it promises."""

import re

import pytest

from envs.errors import UserError
from envs.rendering.opengl import make_context
from tests.examples.scripts import EXAMPLES

SHORTER = {"WORLDS": "4", "MINUTES": "0.01", "EPISODES": "2", "HORIZON": "40", "WIDTH, HEIGHT": "64, 64"}


def can_film():
    try:
        make_context(64, 64).free()
    except UserError:
        return False
    return True


@pytest.fixture
def notebook():
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    return nbformat.read(EXAMPLES / "first_hour.ipynb", 4)


def test_it_is_kept_without_outputs(notebook):
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


@pytest.mark.filterwarnings("ignore")
def test_it_runs_and_shows_films_curves_and_a_table(notebook, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent), prepend=":")
    sizes = next(cell for cell in notebook.cells if cell.cell_type == "code")
    for name, number in SHORTER.items():
        sizes.source, found = re.subn(rf"^{name} = [\d., ]+", f"{name} = {number} ", sizes.source, flags=re.MULTILINE)
        assert found == 1
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    text = "".join(output.get("text", "") for output in outputs)
    assert kinds.count("image/png") == 1
    assert kinds.count("image/gif") == (3 if can_film() else 0)
    assert text.count("no film:") == (0 if can_film() else 3)
    assert re.search(r"trained seekers v random hiders +0\.\d\d \[", text)
    (run,) = (tmp_path / "runs").iterdir()
    assert (run / "metrics.csv").read_text().count("\n") >= 2
    assert list((run / "checkpoints").iterdir())
