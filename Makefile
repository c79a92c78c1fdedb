# Everything a fresh clone needs: make demo, make test.
PYTHON ?= python3
# Processes that run the default tests; each takes half a GiB.
TEST_WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := runs/demo
FILM := $(BIN)/hideseek video $(DEMO) --episodes 2 -o $(DEMO)/videos/demo.mp4
OPENGL := $(BIN)/python -c "from envs.rendering.opengl import check; check()"

.PHONY: install lock demo results test test-examples test-warp slow slow-warp lint format docs-picture clean

install: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and \
		'error: hideseek needs Python 3.11 or newer; try make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -q -c requirements.lock -e ".[dev]"
	touch $(STAMP)

lock: ## choose the newest versions that fit together, for every Python and every extra; then run the tests
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -q uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --no-annotate \
		--custom-compile-command "make lock" pyproject.toml -o requirements.lock

demo: install ## train the quickstart, compare it with random play, and film it where there is OpenGL
	@test ! -e $(DEMO) || { echo "error: $(DEMO) exists; move it away or delete it to run the demo again" >&2; exit 2; }
	@$(OPENGL) || echo "The demo goes on without a video."
	$(BIN)/hideseek train quickstart --run-dir $(DEMO)
	$(BIN)/hideseek evaluate $(DEMO) --episodes 150 --json $(DEMO)/evaluation.json
	@if $(OPENGL) 2> /dev/null; \
	then $(FILM) && echo "Watch $(DEMO)/videos/demo.mp4"; \
	else echo "No video without OpenGL. With it, this films: $(FILM)"; fi
	@echo "Curves: $(BIN)/tensorboard --logdir $(DEMO)"

test: install ## the default tests, about six minutes on two cores
	$(BIN)/python -m pytest -q -n $(TEST_WORKERS) --dist loadscope

test-examples: install ## the examples and the trainers of others that they use, slow ones too
	$(BIN)/pip install --disable-pip-version-check -q -c requirements.lock -e ".[dev,examples]"
	$(BIN)/python -m pytest -q -m "not warp" tests/examples

test-warp: install ## the physics of the GPU engine, on the CPU; the first time, kernels are compiled for two minutes
	$(BIN)/python -m pytest -q -m "warp and not slow"

slow: install ## the tests that take longer
	$(BIN)/python -m pytest -q -m "slow and not warp"

slow-warp: install ## the GPU engine's, on the CPU: hours
	$(BIN)/python -m pytest -q -m "slow and warp"

lint: install ## style, types, and which way imports run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## mend style where it can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

results: install ## play the policies that come with the project again; writes docs/results.md and README's table
	$(BIN)/python -m docs.results.measure
	$(BIN)/python -m docs.results.page

docs-picture: install ## draw docs/images/rooms.svg from the imports; a test tells when it is out of date
	$(BIN)/python -m docs.images.draw_rooms

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
