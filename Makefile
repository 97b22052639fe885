# Everything a person does here, in one word each. The first use of a target sets up
# .venv with the versions of requirements.txt; nothing outside this folder is installed.

ENV = control:cartpole:swingup
AGENT = qmle
STEPS = 30000
ACTORS = 2
SEED = 1
RUN = runs/$(subst /,-,$(subst :,-,$(ENV)))-$(AGENT)-$(SEED)
IMAGE = qmle_acme
KILLS = 20
TESTERS = 2

UV_VERSION := 0.13.9
UV := .tools/bin/uv
TOOLS_READY := .tools/uv-$(UV_VERSION).ready
LIBRARIES_READY := .venv/libraries.ready
VENV_READY := .venv/ready
# A file's tests run one after another: some go on where the one before them stopped.
PYTEST := .venv/bin/pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder
NATIVE := $(wildcard qmle_acme/kernels/*.[ch] qmle_acme/kernels/preload/*.c)

# uv does not read pip's settings: hand it the index that pip was told to use.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

.DEFAULT_GOAL := help
.PHONY: help setup train test test-all test-cluster test-chaos check docs format image requirements

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  make train ENV=control:walker:walk STEPS=1000000 ACTORS=4 SEED=1 AGENT=qmle'
	@echo '  RUN names the run folder; the same command again resumes it.'

setup: $(VENV_READY)  ## set up .venv with the `qmle` command, and nothing else

train: $(VENV_READY)  ## train AGENT on ENV for STEPS with ACTORS actor processes
	.venv/bin/qmle train --env '$(ENV)' --agent '$(AGENT)' --run '$(RUN)' \
	  --steps $(STEPS) --layout distributed --actors $(ACTORS) --seed $(SEED)

test: $(VENV_READY)  ## run the tests that take seconds, TESTERS of them at a time
	$(PYTEST) -m 'not slow and not cluster and not chaos'

test-all: $(VENV_READY)  ## run every test, but those of engines and chaos
	$(PYTEST) -m 'not cluster and not chaos'

test-cluster: $(VENV_READY)  ## run a training on real engines of its own (root, Debian)
	tests/cluster/with_engines.sh .venv/bin/pytest -m 'cluster and not slow' tests/cluster

test-chaos: $(VENV_READY)  ## kill processes of real runs, each kind KILLS times
	CHAOS_KILLS=$(KILLS) .venv/bin/pytest -m chaos tests/chaos

check: $(VENV_READY) docs  ## check format, lint, types and that the docs hold together
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy

# The variable silences an advertisement of another tool.
docs: $(VENV_READY)  ## build the site of docs/ in site/; a broken link is an error
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

format: $(VENV_READY)  ## format, and mend what the linter can mend
	.venv/bin/ruff check --fix --exit-zero
	.venv/bin/ruff format

image:  ## build the container image, one for every role
	docker build --tag '$(IMAGE)' .

COMPILE = $(UV) pip compile setup.py --python "$$(cat .python-version)" --quiet \
  --no-annotate --custom-compile-command 'make requirements'

requirements: $(TOOLS_READY)  ## write requirements.txt and requirements-run.txt anew from setup.py
	$(COMPILE) --extra dev -o requirements.txt
	$(COMPILE) --constraint requirements.txt -o requirements-run.txt

# Bytecode is compiled here, once: where Python may not write it, every start of a node
# would take nine seconds longer.
# Stamps are written last, and those of tools and libraries start from nothing: what an
# interrupted set-up left behind is never taken for a whole one.
$(TOOLS_READY):
	@rm -rf .tools
	@PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 \
	  python3 -m pip install -qq --target .tools uv==$(UV_VERSION)
	@touch $@

$(LIBRARIES_READY): $(TOOLS_READY) requirements.txt .python-version
	@echo 'Setting up .venv (one to five minutes the first time)'
	@$(UV) venv --quiet --clear --python "$$(cat .python-version)" .venv
	@$(UV) pip install --quiet --python .venv --no-deps --compile-bytecode \
	  --build-constraints requirements.txt -r requirements.txt
	@touch $@

# This package itself, whose C is compiled here.
$(VENV_READY): $(LIBRARIES_READY) setup.py $(NATIVE)
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --reinstall -e .
	@touch $@
