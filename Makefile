# The two commands a newcomer needs: `make demo` and `make test`. Everything else is for contributors.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
CLIENTS ?= .venv-clients
DEMO   := .demo

.PHONY: demo test sweep check format lock live test-clients bench bench-kills bench-runners bench-slow clean

# A first run: sets up, applies manifests/hello.yaml on the embedded tenant, and shows that a second run changes nothing.
demo: $(VENV)/.run
	@rm -rf $(DEMO) && mkdir -p $(DEMO) && cp manifests/hello.yaml $(DEMO)/hello.yaml
	@echo '$$ provision apply hello.yaml --yes' && cd $(DEMO) && ../$(BIN)/provision apply hello.yaml --yes
	@echo && echo '$$ provision apply hello.yaml --yes' && cd $(DEMO) && ../$(BIN)/provision apply hello.yaml --yes
	@echo && echo 'Look around in $(DEMO)/: the sandbox and the stored secret are under $(DEMO)/.provision/.'

# A journey spends half of its time waiting: three of them keep two cores busy.
test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 3 --dist worksteal $(PYTEST)

# Every request of every apply killed, unanswered or refused (ends with a table), hundreds of random histories and of
# rotations, and two years of an apply every day. `make test` does a part of it.
sweep: $(VENV)/.dev
	$(BIN)/python -m pytest tests/sweep tests/journeys/test_stateful.py tests/journeys/test_two_years.py \
	  tests/journeys/test_no_failed_sign_in.py -n 2 --dist worksteal --sweep $(PYTEST)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Pins every dependency with hashes, for all platforms, and without the address of an index.
lock: $(VENV)/.dev
	$(BIN)/uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras --upgrade -q -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras --upgrade -q -o requirements-dev.txt

# For somebody with a tenant: make live TENANT=contoso.onmicrosoft.com
live: $(VENV)/.dev
	PROVISION_LIVE_TENANT="$(TENANT)" $(BIN)/python -m pytest tests/live --confcutdir=tests/live -p no:cacheprovider -o addopts="-ra -s"

# Clients that others wrote, against a served sandbox. Azure CLI is large, so it has an environment of its own.
test-clients: $(VENV)/.dev $(CLIENTS)/.azure-cli
	PROVISION_AZ="$(abspath $(CLIENTS)/bin/az)" $(BIN)/python -m pytest tests/clients -p no:cacheprovider -o addopts="-ra" $(PYTEST)

bench: $(VENV)/.dev
	$(BIN)/python bench/help.py
	$(BIN)/python bench/sandbox.py

# A thousand kills: every write that was acknowledged is still there. Takes a quarter of an hour.
bench-kills: $(VENV)/.dev
	$(BIN)/python bench/sandbox_kills.py

# Four processes at once on one manifest, twenty-five times in each of three ways: one correct result every time.
bench-runners: $(VENV)/.dev
	$(BIN)/python bench/runners.py

# Two hundred applies from nothing while the directory is slow. Takes some minutes.
bench-slow: $(VENV)/.dev
	$(BIN)/python bench/slow.py

clean:
	rm -rf $(VENV) $(CLIENTS) $(DEMO) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.run: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(CLIENTS)/.azure-cli:
	$(PYTHON) -m venv $(CLIENTS)
	@echo '*' > $(CLIENTS)/.gitignore
	$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check "azure-cli>=2.80"
	@touch $@
