# Two commands: `make run` runs the workflow, `make test` passes the tests.
# Each sets up what it needs first; a second call finds it done.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
TARGETS ?=

.PHONY: run view browser test test-slurm lint docs environment venv-package lock columns weights gpu-bundle clean

run: $(READY) ## enhance the real images; make Table 1, Figure 6 and the report
	$(BIN)/snakemake --cores all $(TARGETS)
	$(BIN)/snakemake --report results/report.html

view: $(READY) ## a page to look at for each of your images, or IMAGES='scans/*.dm4' MODE=haadf
ifdef IMAGES
	$(BIN)/sfin view $(IMAGES) -o results/view --mode $(or $(MODE),auto)
else
	@for mode in haadf bf; do ls resources/real_images/$$mode/* >/dev/null 2>&1 || continue; found=1; \
	$(BIN)/sfin view resources/real_images/$$mode -o results/view/$$mode --mode $$mode || failed=1; done; \
	[ "$$found" ] || echo "No image is in resources/real_images: add one, or make view IMAGES='scans/*.dm4' MODE=haadf"; \
	[ "$$found" ] && [ -z "$$failed" ]
endif

test: $(READY) browser ## pass the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slurm: $(READY) ## run the workflow on a Slurm of its own; installs it if root
	$(BIN)/python -m pytest -m slurm tests/test_slurm.py -rs $(if $(ONLY),-k "$(ONLY)")

lint: $(READY) ## check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy --strict src
	$(BIN)/snakemake --lint

docs: $(READY) ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

environment: $(READY) ## set up the Python environment in .venv, nothing else

$(READY): requirements.lock pyproject.toml
	@echo "Setting up .venv from requirements.lock (a few minutes, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "The pins are for Python 3.11, this is %s: make PYTHON=python3.11" % sys.version.split()[0])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(MAKE) --no-print-directory venv-package
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --use-pep517 --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Debian keeps a part of Python in a package of its own.
venv-package:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	then echo "Installing Debian's python3-venv"; apt-get -qq update && apt-get -qq install --yes python3-venv >/dev/null; \
	else echo "Python has no venv here: install it first (apt-get install python3-venv)"; exit 1; fi

# Without it the tests of the page of an image in a browser are skipped.
browser:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v chromedriver >/dev/null; \
	then echo "Installing Debian's chromium"; apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium chromium-driver >/dev/null || echo "It cannot be installed: tests in a browser are skipped"; fi

lock: $(READY) ## write what .venv holds to requirements.lock and envs/sfin.yaml
	$(BIN)/python envs/lock.py

columns: $(READY) ## render all structures at scale `paper`; replace the table that ships
	$(BIN)/snakemake --cores all column_table --configfile config/paper.yaml --config columns=rendered
	cp results/structures/columns.json resources/structures/columns.json
	PYTHONPATH=src $(BIN)/python docs/structures.py

weights: $(READY) ## train the networks that ship, three hours of one core; goes on where it stopped
	$(BIN)/python -u benchmarks/gpu/run.py --plan benchmarks/gpu/weights_plan.yaml \
		--device cpu --minutes 1440 --out .gpu/weights --state .gpu/weights-state

gpu-bundle: $(READY) ## pack what a GPU machine lacks; see benchmarks/gpu/README.md
	$(BIN)/python benchmarks/gpu/bundle.py

clean: ## remove the results and logs, not .venv nor your images
	rm -rf results logs .snakemake
