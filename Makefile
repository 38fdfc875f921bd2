# Everything runs in a virtual environment of its own, .venv, made on first use from pinned and hashed requirements.
# Options are passed on: make sandbox ARGS="--port 8300", make test ARGS="-k pictures".

PYTHON ?= python3
# The slow tests mostly wait for processes and sockets, so more of them run at once than there are processors. Of the
# further ones fewer do: they look more often at what must happen within Discord's three seconds.
WORKERS ?= 8
FURTHER_WORKERS ?= 6
VENV := .venv
BIN := $(VENV)/bin
# At a terminal pip says how far it is; into a file it says only what goes wrong.
QUIET := $(shell test -t 2 || echo --quiet)
INSTALL := $(BIN)/python -m pip install $(QUIET) --disable-pip-version-check --require-hashes --requirement
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make pins"

# One stamp for each of the sets, older than its file once that has changed.
TO_RUN := $(VENV)/.installed-to-run
TO_DEVELOP := $(VENV)/.installed-to-develop
TO_DOCUMENT := $(VENV)/.installed-to-document

.PHONY: help sandbox wheel container upgrade release test test-further test-lengthy test-all test-costs test-worth test-random lint format docs follow screenshots bench bench-chart bench-servers torture fleet catalogues pins env-example audit sbom
.DEFAULT_GOAL := help

help:
	@echo "make sandbox      try the bot in the browser: no account, no token, no network"
	@echo "make test         units, integration, and each promise once, in about three minutes; coverage told"
	@echo "make test-further  all others but those of minutes, in ten to twenty minutes; coverage of both told"
	@echo "make test-lengthy  the tests that take minutes each or look at how long people wait"
	@echo "make test-all     the three of them, one after the other; .ci/run runs all"
	@echo "make test-costs   what tests cost in processor time, by file (ARGS=tests/unit for some of them)"
	@echo "make test-worth   which test files run lines that no other file runs, in half an hour"
	@echo "make test-random  generated tests with fresh seeds, FOR=600 seconds"
	@echo "make lint         ruff and pyright"
	@echo "make format       let ruff write the layout"
	@echo "make screenshots  take the pictures in README and docs/ anew, in Chromium; unchanged ones stay as they are"
	@echo "make docs         the site of docs/, in build/site; every link in it is followed"
	@echo "make follow       docs/operators.md typed word by word on a bare Debian (TREE=folder of debootstrap; as root)"
	@echo "make bench        measure, in a quarter of an hour; the results lie in assets/performance.json"
	@echo "make bench-chart  draw the chart of the README from those results"
	@echo "make bench-servers  measure what many servers cost in memory"
	@echo "make torture      300 jobs, processes killed and everything failing at random: nothing lost, nothing twice"
	@echo "make catalogues  gather what is to be translated, compile the translations, tell what is missing"
	@echo "make fleet        2,000 jobs on two bots and three workers, one killed, one asleep: once each; the load told"
	@echo "make pins         write requirements*.txt anew from requirements*.in (ARGS=--upgrade for the newest)"
	@echo "make audit        known faults of the pinned packages; needs the network"
	@echo "make sbom         list the pinned packages in sbom.json (CycloneDX); needs the network"
	@echo "make wheel        Easel as a package with the command easel, in dist/"
	@echo "make container    build the image with podman and try it (ARGS=--help says how)"
	@echo "make upgrade      from the version FROM=COMMIT to this one and back, each as an installed package"
	@echo "make release      whether this commit may be released; wheel and the tag's notes in dist/"
	@echo "make env-example  write .env.example anew from the table of settings"

sandbox: $(TO_RUN)
	@exec $(BIN)/python -m bot sandbox $(ARGS)

# Coverage is measured on the way: `make test COVERAGE=` goes without, in two thirds of the processor time.
COVERAGE ?= pyproject.toml
# The tests of real processes run side by side on few cores, where something is late now and then. A test that fails is
# run once more; the summary names those that needed it (R), and each is a fault of the test or the program to look at.
SIDE_BY_SIDE := --dist loadfile --no-loadscope-reorder --reruns 1 --reruns-delay 1 -rfER
# Who hands the tests out runs nothing of the product, so those are measured that it starts.
PYTEST := TESTS_MEASURED_BY=$(COVERAGE) $(BIN)/python -m pytest $(SIDE_BY_SIDE)
COMBINE := $(BIN)/coverage combine --quiet
TELL_COVERAGE = echo "Coverage of bot and cogs, branches included: $$($(BIN)/coverage report --format=total) %"

# The tests are three parts. `make test` has what each change should pass: unit tests, integration tests on SQLite, but for
# the dear ones, and the acceptance tests that tell each promise once (tests/promises.py).
WITHIN_MINUTES := -m "not further and not lengthy"
WHICH ?= $(WITHIN_MINUTES)

# The tests' databases flush to the disk at every commit, hundreds of times a second in all. Where memory serves as a disk
# and is roomy, they lie there: then a slow or busy disk makes no test late. (4,000,000 KiB: ten times what a run takes.)
ROOMY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 && system("test -w /dev/shm") == 0 {print "/dev/shm"}')

# Every process that runs tests, and every bot that they start, would else compile all modules anew where a machine says so.
test test-further test-lengthy test-worth: export PYTHONDONTWRITEBYTECODE :=
test test-further test-lengthy test-worth: export PYTEST_DEBUG_TEMPROOT ?= $(or $(ROOMY),$(or $(TMPDIR),/tmp))
test: $(TO_DEVELOP)
	@[ -z "$(COVERAGE)" ] || { rm -rf .coverage && mkdir -p .coverage; }
	@$(PYTEST) --numprocesses $(WORKERS) $(WHICH) $(ARGS)
	@[ -z "$(COVERAGE)" ] || { $(COMBINE) && $(TELL_COVERAGE); }

# All others but those of minutes. Their coverage is added to that of `make test`.
test-further: $(TO_DEVELOP)
	@[ -z "$(COVERAGE)" ] || mkdir -p .coverage
	@$(PYTEST) --numprocesses $(FURTHER_WORKERS) -m "further and not lengthy" $(ARGS)
	@[ -z "$(COVERAGE)" ] || { $(COMBINE) --append && $(TELL_COVERAGE); }

# They look at how long people wait, so there is one test for each processor, and nothing is measured.
test-lengthy: $(TO_DEVELOP)
	@$(BIN)/python -m pytest --numprocesses $$(nproc) $(SIDE_BY_SIDE) -m lengthy $(ARGS)

test-all:
	@$(MAKE) test
	@$(MAKE) test-further
	@$(MAKE) test-lengthy

test-costs: $(TO_DEVELOP)
	@$(BIN)/python -m pytest -p tools.test_costs --numprocesses $(WORKERS) --dist loadfile $(ARGS)

test-worth: $(TO_DEVELOP)
	@rm -rf .coverage && mkdir -p .coverage
	@$(BIN)/coverage run -m pytest -p tools.test_worth --numprocesses $(FURTHER_WORKERS) $(SIDE_BY_SIDE) \
		-m "not lengthy" $(ARGS)
	@$(COMBINE) && $(BIN)/python -m tools.test_worth

# Fresh seeds for FOR seconds. What breaks a test is kept in .hypothesis/ and tried first the next time; the last lines of
# a failure say how to replay it.
FOR ?= 600

test-random: $(TO_DEVELOP)
	@end=$$(($$(date +%s) + $(FOR))); while [ $$(date +%s) -lt $$end ]; do \
		$(BIN)/python -m pytest -m generated --hypothesis-profile=random --numprocesses $(WORKERS) $(ARGS) || exit 1; done

lint: $(TO_DEVELOP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonplatform Windows bot cogs sandbox

format: $(TO_DEVELOP)
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

screenshots: $(TO_DEVELOP)
	@$(BIN)/python -m tools.screenshots

docs: $(TO_DOCUMENT)
	@$(BIN)/python -m tools.docs.tables
	@$(BIN)/python -m tools.docs.site

# Needs root, systemd-nspawn (Debian: systemd-container) and a bare tree; see tools/docs/follow.py.
follow: $(TO_DEVELOP)
	@$(BIN)/python -m tools.docs.follow $(TREE) $(ARGS)

bench: $(TO_DEVELOP)
	@$(BIN)/python -m tools.benchmarks $(or $(ARGS),--json assets/performance.json)

bench-chart:
	@$(BIN)/python -m tools.benchmarks.chart assets/performance.json assets/performance.svg

bench-servers: $(TO_DEVELOP)
	@$(BIN)/python -m tools.benchmarks.servers $(ARGS)

torture: $(TO_DEVELOP)
	@$(BIN)/python -m tools.torture $(ARGS)

catalogues: $(TO_DEVELOP)
	@$(BIN)/python -m tools.catalogues $(ARGS)

fleet: $(TO_DEVELOP)
	@$(BIN)/python -m tools.torture.together $(ARGS)

pins: $(TO_DEVELOP)
	$(COMPILE) $(ARGS) --output-file requirements.txt requirements.in
	$(COMPILE) $(ARGS) --constraint requirements.txt --output-file requirements-dev.txt requirements-dev.in
	$(COMPILE) $(ARGS) --constraint requirements-dev.txt --output-file requirements-docs.txt requirements-docs.in

# Both tools are run from the package index in environments of their own, so that the bot's pins need none of theirs.
audit: $(TO_DEVELOP)
	@$(BIN)/uv tool run --python $(BIN)/python pip-audit==2.9.0 --disable-pip --require-hashes --strict \
		--requirement requirements.txt --requirement requirements-dev.txt

sbom: $(TO_DEVELOP)
	@$(BIN)/uv tool run --python $(BIN)/python --from cyclonedx-bom==7.1.0 \
		cyclonedx-py requirements requirements.txt --output-reproducible --of JSON --output-file sbom.json
	@echo "sbom.json lists the packages of requirements.txt."

env-example: $(TO_RUN)
	@$(BIN)/python -c 'from bot.config.env_example import env_example; print(env_example(), end="")' > .env.example.new
	@mv .env.example.new .env.example

# From what is committed or about to be, in a folder of its own: setuptools leaves its work beside what it builds.
wheel: $(TO_DEVELOP)
	@rm -rf build/wheel dist/*.whl && mkdir -p build/wheel dist
	@cp -R bot cogs sandbox pyproject.toml README.md LICENSE requirements.in build/wheel
	@$(BIN)/python -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist build/wheel
	@rm -rf build/wheel && ls dist/*.whl

container: $(TO_DEVELOP)
	@$(BIN)/python -m tools.container $(ARGS)

upgrade: $(TO_DEVELOP)
	@$(BIN)/python -m tools.upgrade $(FROM)

# Tests and linters are not run again for a commit that has passed them here.
TESTED := $(VENV)/.tested-$(shell git rev-parse HEAD 2>/dev/null)

release: $(TO_DEVELOP)
	@$(BIN)/python -m tools.release
	@[ -e $(TESTED) ] || { $(MAKE) test-all lint && touch $(TESTED); }
	@$(MAKE) pins docs wheel
	@$(BIN)/python -m tools.release

$(TO_RUN): requirements.txt | $(BIN)/pip
	@echo "Installing what Easel needs into $(VENV) ..."
	@$(INSTALL) requirements.txt
	@touch $@

$(TO_DEVELOP): requirements-dev.txt | $(BIN)/pip
	@echo "Installing what tests and linters need into $(VENV) ..."
	@$(INSTALL) requirements-dev.txt
	@touch $@

$(TO_DOCUMENT): requirements-docs.txt $(TO_DEVELOP)
	@echo "Installing what builds the site of docs/ into $(VENV) ..."
	@$(INSTALL) requirements-docs.txt
	@touch $@

# pip comes last into a new environment: where it is missing, the making broke off and is done again.
$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { \
		echo "Easel needs Python 3.11 or newer, and there is no $(PYTHON) on this machine." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Easel needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
			"If a newer one is installed, name it: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
