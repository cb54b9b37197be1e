# Every word does all its set-up: a machine with Python 3.11 to 3.13, make and git is enough.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

.PHONY: help demo test check format bench bench-peers study pages notebook pictures manifests site lock dist clean

help: ## say what each word does
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  make %-11s %s\n", $$1, $$2 }'

demo: $(VENV)/.run ## make the demo company, train, score, print the list, serve (SERVE=0 ends after the list)
	$(BIN)/churn demo $(if $(filter 0,$(SERVE)),--no-serve)

# Bytecode is kept, so that the hundreds of processes that the tests start compile the project once.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.dev $(VENV)/serving/.done $(VENV)/serving-trees/.done $(VENV)/.browser $(VENV)/.proxy $(VENV)/.clock $(VENV)/.prometheus $(VENV)/oidc/.done $(VENV)/grafana/.done $(VENV)/infra/.done ## run the tests (ARGS="-k word" picks some, ARGS=--cov measures what they cover)
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev ## format, lint, types, imports, security, locked dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml src
	$(BIN)/python -m pytest --quiet --no-cov tests/test_locks.py

format: $(VENV)/.dev ## put the code into the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev $(VENV)/.load ## measure speed against the bars
	$(BIN)/python -m bench $(ARGS)
	$(BIN)/python -m bench.click
	$(BIN)/python -m bench.console

bench-peers: $(VENV)/.dev $(VENV)/.load $(VENV)/peers/.done ## hold /predict against MLflow, BentoML and MLServer with the same trees
	$(BIN)/python -m bench.peers $(ARGS)

study: $(VENV)/.dev $(VENV)/.proxy $(VENV)/.clock $(VENV)/.prometheus $(VENV)/.containers $(VENV)/shifts/.done ## measure models on public and on made-up data, what kills leave of daily runs, servers in outages, companies with a known truth, exports of billing systems, large files, columns of every type, a month of campaigns, the false alarms of drift, estimates of accuracy against what came true, two years of shifts, two years of retraining, the page of metrics, the alerts of a quiet year, the disaster drill, rolling updates of the cluster, the release under each Python, both images, and compose
	$(BIN)/python -m bench.quality $(ARGS)
	$(BIN)/python -m bench.study
	$(BIN)/python -m bench.honest
	$(BIN)/python -m bench.copies
	SCIPY_ARRAY_API=1 $(BIN)/python -m bench.estimators
	$(BIN)/python -m bench.chaos
	$(BIN)/python -m bench.described --cases 10000 --raw 2000
	$(BIN)/python -m bench.outages
	$(BIN)/python -m bench.truth
	$(BIN)/python -m bench.billing
	$(BIN)/python -m bench.large_files
	$(BIN)/python -m bench.column_types
	$(BIN)/python -m bench.campaign_month
	$(BIN)/python -m bench.drift
	$(BIN)/python -m bench.estimates
	$(BIN)/python -m bench.shifts --peers $(VENV)/shifts/bin/python
	$(BIN)/python -m bench.shifts --customers 400000 --decisions defaults --out bench/shifts_large.json
	$(BIN)/python -m bench.retraining
	$(BIN)/python -m bench.metrics_page
	$(BIN)/python -m bench.quiet_year
	$(BIN)/python -m bench.drill
	$(BIN)/python -m bench.cluster.rollout
	$(BIN)/python -m bench.release
	$(BIN)/python -m bench.images
	$(BIN)/python -m bench.compose
	$(BIN)/python -m bench.compose --profile small

pages: $(VENV)/.dev ## write the pages that are made from the code
	$(BIN)/python docs/pages.py

# The same tests that look at every page of a small site look at the demo company's, and keep what they see.
pictures: $(VENV)/.dev $(VENV)/.browser ## draw the pictures of the console's pages, of a demo company with half a year behind it
	rm -rf build/pictures && mkdir -p build/pictures
	cd build/pictures && $(CURDIR)/$(BIN)/churn demo --no-serve --half-year
	CHURN_PICTURES=build/pictures/demo $(BIN)/python -m pytest --no-cov tests/serving/console/test_every_page.py

notebook: $(VENV)/.dev ## run the notebook and keep what it prints and draws
	$(BIN)/python docs/notebook.py

manifests: $(VENV)/infra/.done ## write infra/k8s/k8s-manifests.yaml from its base, and the dashboards of Grafana from their source
	KUBECTL=$(CURDIR)/$(VENV)/infra/bin/kubectl infra/k8s/render.sh
	$(VENV)/infra/bin/python -m infra.monitoring.grafana_dashboards

site: $(VENV)/.dev ## build the pages as a site, in build/site
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --fresh-env -d build/doctrees docs build/site
	@echo "Open build/site/index.html"

lock: $(VENV)/.tools ## compile the locks again (UPGRADE=1 takes newer versions)
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) requirements-serving.in -c requirements.txt -o requirements-serving.txt
	$(COMPILE) requirements-serving-trees.in -c requirements.txt -o requirements-serving-trees.txt
	$(COMPILE) pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	$(COMPILE) requirements-serving-otel.in -c requirements-dev.txt -o requirements-serving-otel.txt
	$(COMPILE) --group build -c requirements-dev.txt -o requirements-build.txt
	$(COMPILE) bench/peers/requirements.in -o bench/peers/requirements.txt
	$(COMPILE) bench/shifts/requirements.in -o bench/shifts/requirements.txt
	$(COMPILE) tests/infra/requirements.in -o tests/infra/requirements.txt

dist: $(VENV)/.tools ## build wheel and sdist in dist/, with the same bytes for the same commit
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/hatchling build -d dist
	cd dist && sha256sum * | tee SHA256SUMS

clean: ## remove the environment and all caches (data, models and runs stay)
	rm -rf $(VENV) .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps below make an installation happen once for each change of a lock.

$(VENV)/.python:
	@python=""; \
	for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	    >/dev/null 2>&1; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11, 3.12 or 3.13 with venv was found: install one (on Debian: python3 and python3-venv)," >&2; \
	  echo "or name it: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.tools: requirements-build.txt $(VENV)/.python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.txt
	@touch $@

# Two steps, for all of $(1) is locked by hashes and the project itself is not. Where uv finds no index (it does not
# read pip's configuration), pip does the same more slowly.
define install
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1) || { \
	  echo "uv could not install; trying pip with its own configuration" >&2; \
	  $(BIN)/python -m pip install --quiet --require-hashes -r $(1); }
	$(BIN)/uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation -e .
	@touch $@
endef

# The version is a part of what is installed.
VERSION := src/churn_mlops/__init__.py

$(VENV)/.run: requirements.txt pyproject.toml $(VERSION) $(VENV)/.tools
	$(call install,requirements.txt)

$(VENV)/.dev: requirements-dev.txt pyproject.toml $(VERSION) $(VENV)/.tools
	$(call install,requirements-dev.txt)

# $(1) is a Debian package, $(2) its program, and $(3) what becomes of its lack.
define system_package
	@if command -v $(2) >/dev/null; then touch $@; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing $(1)"; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $(1) >/dev/null && touch $@; } || \
	  echo "$(1) could not be installed: $(3)" >&2; \
	else \
	  echo "No $(firstword $(2)): $(3). Install it (on Debian: apt-get install $(1))" >&2; \
	fi
endef

# A real browser looks at the pages, and servers stand behind a real proxy. Without these, the tests are skipped, saying so.
$(VENV)/.browser: $(VENV)/.python
	$(call system_package,chromium,chromium chromium-browser google-chrome,the tests in a browser are skipped)
	$(call system_package,chromium-headless-shell,chromium-headless-shell,the tests in a browser take longer)

$(VENV)/.proxy: $(VENV)/.python
	$(call system_package,haproxy,haproxy,the tests with a proxy are skipped)

$(VENV)/.clock: $(VENV)/.python
	$(call system_package,faketime,faketime,the tests of clocks are skipped)

$(VENV)/.prometheus: $(VENV)/.python
	$(call system_package,prometheus prometheus-alertmanager,promtool,the tests of alerts are skipped)

# What builds and starts both images.
$(VENV)/.containers: $(VENV)/.python
	$(call system_package,podman buildah runc,podman,the images are not measured)

# A real identity provider and the types of Grafana, by the Node.js that pip installed. Without them their tests are skipped.
OIDC := tests/serving/oidc_provider
$(VENV)/oidc/.done: $(OIDC)/package-lock.json $(OIDC)/provider.mjs tests/npm.py $(VENV)/.dev
	$(call npm,the identity provider: the tests of signing in through one are skipped)

$(VENV)/grafana/.done: tests/infra/grafana/package-lock.json tests/npm.py $(VENV)/.dev
	$(call npm,the types of Grafana: their test is skipped)

define npm
	@$(BIN)/python -m tests.npm $(<D) $(@D) && touch $@ || echo "npm could not install $(1)" >&2
endef

# What asks a server as fast as it can: without it nothing can be measured.
$(VENV)/.load: $(VENV)/.python
	$(call system_package,wrk hey,hey,nothing can be measured)

define separate
	$(BIN)/python -m venv --clear $(@D)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(@D)/bin/python --require-hashes -r $< || \
	  $(@D)/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@
endef

# What a serving image holds and nothing more, without and with LightGBM: the tests score in them.
$(VENV)/%/.done: requirements-%.txt $(VENV)/.tools
	$(separate)

$(VENV)/peers/.done $(VENV)/shifts/.done: $(VENV)/%/.done: bench/%/requirements.txt $(VENV)/.tools
	$(separate)

# What looks at the Dockerfile, the manifests and the pipeline.
$(VENV)/infra/.done: tests/infra/requirements.txt $(VENV)/.tools
	$(separate)
