# The one conductor of the companion; `make help` says what there is. Works with GNU make 3.81 and later.
#
# Parameters flow through a notebook into figures, results and claims, which the book shows. Every file below build/
# is made by one rule, from files that stand in its prerequisites, and is moved into place only when it is whole: so
# an interruption at any moment is mended by the next run.

PROFILE   ?= full
JOBS      ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
PORT      ?= 8000
SCHEDULER ?=
ARGS      ?=
SECONDS   ?= 60
VENV      ?= .venv

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)  # a -j on the command line wins
endif

ifneq ($(SCHEDULER),)
export BNGD_SCHEDULER := $(SCHEDULER)
endif

PROFILES := $(patsubst notebooks/profiles/%.yaml,%,$(wildcard notebooks/profiles/*.yaml))
ifeq ($(filter $(PROFILE),$(PROFILES)),)
$(error there is no profile '$(PROFILE)'; the profiles are: $(PROFILES))
endif

NOTEBOOKS := $(sort $(patsubst notebooks/%.ipynb,%,$(wildcard notebooks/*.ipynb)))
NETWORKS  := $(filter network_%,$(NOTEBOOKS))

# Which to begin with: the longest to run, so that no core waits for it at the end. Training takes longest, and after it
# the notebooks with most to say.
BY_SIZE       := $(patsubst notebooks/%.ipynb,%,$(shell ls -S notebooks/*.ipynb))
LONGEST_FIRST := $(filter $(NETWORKS),$(BY_SIZE)) $(filter-out $(NETWORKS),$(BY_SIZE))

OUT        := build/$(PROFILE)
EXECUTED   := $(LONGEST_FIRST:%=$(OUT)/notebooks/%.ipynb)
PARAMETERS := $(NOTEBOOKS:%=$(OUT)/parameters/%.json)
LEDGER     := $(OUT)/results/ledger.json
BOOK       := $(OUT)/book/html/index.html
LOCK       := requirements.lock

# What decides a notebook's results: the package without what only builds the book. Neural networks concern only the
# notebooks that are named after them, and a folder of bngd/studies that is named like a notebook concerns that one
# (tests/test_makefile.py checks that nothing else imports from it).
BOOK_CODE    := $(wildcard $(addprefix bngd/companion/,accessible.py book.py chromium.py evidence.py explorers.py \
                mathjax.py mirroring.py printing.py publish.py reference.py sphinx_ext.py status.py themed.py words.py))
NETWORK_CODE := $(shell find bngd/networks -type f -not -name '*.pyc' 2>/dev/null) \
                $(wildcard bngd/studies/shared/network*.py)
STUDIES      := $(wildcard $(NOTEBOOKS:%=bngd/studies/%/*.py))
PACKAGE      := $(filter-out $(BOOK_CODE) $(NETWORK_CODE) $(STUDIES),$(shell find bngd -name '*.py'))
BOOK_SOURCES := $(shell find book -type f -not -name '.*' -not -path '*/_build/*' 2>/dev/null)

IMAGES    := fashion-mnist mnist-5k digits
# The table that a profile names: from this folder or from notebooks/, its blanks escaped.
OWN_TABLE := $(shell sed -n "s/^ *csv_path: *['\"]*\([^'\"\#]*[^'\"\# ]\).*/\1/p" notebooks/profiles/$(PROFILE).yaml | \
               while read -r f; do ls -d "$$f" "notebooks/$$f"; done 2>/dev/null | sed 's/ /\\ /g')

# Where a machine forbids it, each start of Python compiles all of its packages anew: that was half the time of a book.
unexport PYTHONDONTWRITEBYTECODE

# What the reader types for one command must not be passed over by another, nor reach a make that this one's tests start.
unexport ARGS
ifneq ($(strip $(ARGS)),)
TAKE_ARGS  := test bench lab faults hunt mutate reference audit
TAKES_NONE := $(filter-out $(NOTEBOOKS) $(TAKE_ARGS),$(MAKECMDGOALS))
ifneq ($(TAKES_NONE),)
$(error ARGS is '$(ARGS)', but $(firstword $(TAKES_NONE)) takes none: give \
  it to a notebook or to one of: $(TAKE_ARGS); parameters of the book stand in notebooks/profiles/$(PROFILE).yaml)
endif
endif

STAMP     := $(VENV)/.installed
SCEPTIC   := $(VENV)/.sceptic
PYTHON_IN := $(VENV)/bin/python
COMPANION := $(PYTHON_IN) -m bngd.companion
AGAIN     := $(MAKE)  # under another name: a line that says MAKE runs even where `make -n` only tells

.PHONY: help book notebooks figures test verify reference witnesses proofs formal faults hunt mutate sbom audit bench pdf serve lab lint lock clean FORCE $(NOTEBOOKS)

help: ## show this help
	@echo "make <target> [PROFILE=$(PROFILE)] [JOBS=$(JOBS)] [SCHEDULER=host:port] [PORT=$(PORT)] [SECONDS=$(SECONDS)] [VENV=$(VENV)] [ARGS=...]"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo
	@echo "One notebook, with its figures and results:"
	@echo "  $(NOTEBOOKS)" | fold -s -w 100 | sed 's/^ */    /'
	@echo
	@echo "One notebook with parameters of your own, apart from the book's results (below build/own):"
	@echo "    make convergence ARGS=\"-p dimension 50\""
	@echo
	@echo "Profiles: $(PROFILES)"

book: $(BOOK) ## build the book: build/PROFILE/book/html/index.html
	@echo "book: $(BOOK)"

notebooks: $(EXECUTED) ## execute every notebook that is out of date
	@echo "notebooks: $(OUT)/notebooks"

figures: $(EXECUTED) ## the same; figures lie in build/PROFILE/figures
	@echo "figures: $(OUT)/figures"

# One worker more than cores: a test that waits for a browser or a process leaves its core to another.
test: $(STAMP) ## run the tests; ARGS goes to pytest
	$(PYTHON_IN) -m pytest -n $$(($(JOBS) + 1)) --dist worksteal $(ARGS)

verify: $(EXECUTED) ## check that every number and every claim is as on record
	@$(COMPANION) verify --profile $(PROFILE)
	@$(PYTHON_IN) -m trust.reference verify --profile $(PROFILE)

reference: $(EXECUTED) ## put these numbers on record, showing first what that changes; ARGS=--no-shake takes a third of the time
	@$(PYTHON_IN) -m trust.reference renew --profile $(PROFILE) $(ARGS)

witnesses: $(SCEPTIC) ## ask PyTorch, Flax, SymPy, mpmath and SciPy whether we are right
	$(PYTHON_IN) -m trust.witnesses

proofs: $(SCEPTIC) ## enclose exact runs in balls until convergence is proved
	$(PYTHON_IN) -m trust.enclosures

formal: $(STAMP) ## let Coq check the formal proofs; needs coqc
	$(PYTHON_IN) -m trust.formal

faults: $(STAMP) ## kill -9 builds, a row and a worker at 30 random moments, and compare what comes out; ARGS="--kills 10"
	$(PYTHON_IN) -m trust.faults $(ARGS)

hunt: $(STAMP) ## search for counterexamples for SECONDS=60; ARGS=--keep renews what the book quotes
	$(PYTHON_IN) -m trust.hunt --seconds $(SECONDS) $(ARGS)

mutate: $(STAMP) ## break the code for SECONDS=60, a line at a time, and see whether the tests notice; ARGS=--keep as there
	$(PYTHON_IN) -m trust.mutate --seconds $(SECONDS) $(ARGS)

sbom: $(STAMP) ## list what is installed, as CycloneDX: build/sbom.json
	$(PYTHON_IN) -m trust.supply sbom

audit: $(SCEPTIC) ## compare what is installed with a saved list of known vulnerabilities
	$(PYTHON_IN) -m trust.supply audit $(ARGS)

bench: $(STAMP) ## compare the speed of the ensemble with its alternatives
	$(PYTHON_IN) -m benchmarks $(ARGS)

pdf: $(BOOK) ## print the book to a PDF; needs Chromium
	@$(COMPANION) book --profile $(PROFILE) --pdf

serve: $(BOOK) ## show the book at 127.0.0.1:PORT, and build it again whenever its sources change
	@$(PYTHON_IN) -c 'import socket; socket.create_server(("127.0.0.1", $(PORT)), reuse_port=False)' 2>/dev/null || \
	{ echo "make: port $(PORT) of 127.0.0.1 cannot be used: another program has it; choose one: make serve PORT=8001" >&2; \
	exit 2; }
	@touch $(OUT)/.watched; while sleep 1; do \
	test -z "$$(find book notebooks bngd -type f -newer $(OUT)/.watched -not -name '*.pyc' -not -path '*/.*')" || \
	{ touch $(OUT)/.watched; env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS $(AGAIN) book PROFILE=$(PROFILE) VENV=$(VENV); }; \
	done & watcher=$$!; trap 'kill $$watcher' EXIT; trap 'exit 130' INT TERM; \
	$(PYTHON_IN) -m http.server --bind 127.0.0.1 --directory $(dir $(BOOK)) $(PORT)

lab: $(STAMP) ## open the notebooks in JupyterLab
	$(PYTHON_IN) -m jupyterlab --notebook-dir notebooks $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

lint: $(STAMP) ## check style and types
	$(PYTHON_IN) -m ruff check .
	$(PYTHON_IN) -m ruff format --check .
	$(PYTHON_IN) -m mypy

clean: ## remove everything that was built; the installed packages stay
	rm -rf build

# --- one notebook ------------------------------------------------------------------------------------------------

ifeq ($(strip $(ARGS)),)
$(NOTEBOOKS): %: $(OUT)/notebooks/%.ipynb
	@echo "$@: $(OUT)/notebooks/$@.ipynb, figures in $(OUT)/figures"
else
$(NOTEBOOKS): $(STAMP)
	@$(COMPANION) run $@ --profile $(PROFILE) $(ARGS)
endif

$(EXECUTED): $(OUT)/notebooks/%.ipynb: notebooks/%.ipynb $(OUT)/parameters/%.json $(PACKAGE) $(LOCK) | $(STAMP)
	@$(COMPANION) execute $* --profile $(PROFILE)

$(NETWORKS:%=$(OUT)/notebooks/%.ipynb): $(NETWORK_CODE) build/.data

# Real images where they can be had: from a Debian package, a download, or what packages ship; the book says which. While
# they are not the best ones, each make tries again; what was found is written anew only when it is another.
build/.data: build/.fetched
	+$(NOTHING)

build/.fetched: | $(STAMP)
	@mkdir -p $(@D)
	@said=$$($(PYTHON_IN) -m bngd.networks data $(IMAGES)) && echo "$$said" && \
	echo "$$said" | tail -n 2 | head -n 1 > $@.$$$$ && if cmp -s $@.$$$$ build/.data; then rm $@.$$$$; \
	else mv $@.$$$$ build/.data; fi && touch $@
ifeq ($(filter $(firstword $(IMAGES)):,$(shell cat build/.data 2>/dev/null)),)
build/.fetched: FORCE
endif

# The reader's own table, where a profile names one.
$(OUT)/notebooks/own_data.ipynb: $(OWN_TABLE)

$(foreach name,$(NOTEBOOKS),$(eval $(OUT)/notebooks/$(name).ipynb: $(wildcard bngd/studies/$(name)/*.py)))

$(OUT)/notebooks/summary.ipynb: $(LEDGER)

# A profile is split into a file a notebook, and one that did not change keeps its time: so a changed parameter
# re-executes its own notebook alone. The recipe that does nothing makes make look at that time again, under -n too.
$(PARAMETERS): $(OUT)/parameters/.split
	+$(NOTHING)

$(OUT)/parameters/.split: notebooks/profiles/$(PROFILE).yaml $(OUT)/.notebooks | $(STAMP)
	@mkdir -p $(@D)
	@$(COMPANION) parameters --profile $(PROFILE)
	@touch $@

# The list of notebooks, rewritten only when one came or went: what a deleted notebook claimed must leave the ledger.
ifneq ($(NOTEBOOKS),$(shell cat $(OUT)/.notebooks 2>/dev/null))
$(OUT)/.notebooks: FORCE
endif
$(OUT)/.notebooks:
	@mkdir -p $(@D)
	@echo "$(NOTEBOOKS)" > $@.$$$$ && mv $@.$$$$ $@

# The ledger likewise: claims that came out the same leave the summary as it is.
$(LEDGER): $(OUT)/.collected
	+$(NOTHING)

$(OUT)/.collected: $(filter-out %/summary.ipynb,$(EXECUTED)) $(OUT)/.notebooks
	@$(COMPANION) ledger --profile $(PROFILE)
	@touch $@

# Make goes by times: what was made before the clock was set back would look newer than all that changes since, so it is
# made as old as can be. Another build may be writing just now: only what is still from the future a while later counts.
TARGETS := $(EXECUTED) $(PARAMETERS) $(LEDGER) $(BOOK) $(addprefix $(OUT)/,.notebooks .collected parameters/.split) \
           build/.data build/.fetched
NEWER   := $(shell test -w $(OUT) && touch $(OUT)/.now && find $(wildcard $(TARGETS)) -newer $(OUT)/.now)
ifneq ($(NEWER),)
$(shell sleep 2; touch $(OUT)/.now; find $(NEWER) -newer $(OUT)/.now -exec touch -t 198001010000 {} +)
endif

# What was deleted by hand is made again: every execution, and the book, left a list of its files.
LOST := $(shell cd $(OUT)/outputs 2>/dev/null && for list in *; do while read -r file; do \
	test -e "../$$file" || { echo "$$list"; break; }; done < "$$list"; done)
$(patsubst %,$(OUT)/notebooks/%.ipynb,$(filter $(NOTEBOOKS),$(LOST))): FORCE
$(if $(filter book,$(LOST)),$(BOOK): FORCE)
$(if $(filter-out $(wildcard $(PARAMETERS)),$(PARAMETERS)),$(OUT)/parameters/.split: FORCE)
$(if $(wildcard $(LEDGER)),,$(OUT)/.collected: FORCE)

FORCE:

# --- the book ----------------------------------------------------------------------------------------------------

$(BOOK): $(EXECUTED) $(LEDGER) $(OUT)/.notebooks $(BOOK_SOURCES) $(BOOK_CODE)
	@$(COMPANION) book --profile $(PROFILE)

# --- the installed packages ----------------------------------------------------------------------------------------

# The first Python that is new enough and can make environments; 3.11 to 3.13 first, for which the pins were tried.
FIND_PYTHON = found=; for python in $(PYTHON) python3.13 python3.12 python3.11 python3 python3.14; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { found=$$python; break; }; done; \
	test -n "$$found" || { echo "no Python 3.11 or later that can make environments was found; install one" \
	"(on Debian: apt-get install python3 python3-venv) or name it: make PYTHON=/path/to/python" >&2; exit 1; }

# uv takes seconds where pip takes minutes. pip brings it, at the version and with the hashes of the lock, and does the
# rest itself where uv cannot. An environment whose installation was interrupted is made anew: no installer can tell a
# half-copied package from a whole.
PIP := $(PYTHON_IN) -m pip --quiet --disable-pip-version-check install
UV  := $(PYTHON_IN) -m uv pip install --quiet --python $(PYTHON_IN)

$(STAMP): $(LOCK) pyproject.toml
	@if test -e $(VENV)/.installing; then other=$$(cat $(VENV)/.installing); \
	if kill -0 "$${other:-none}" 2>/dev/null; then echo "make: another make (process $$other) is setting up $(VENV);" \
	"wait until it is done, then try again" >&2; exit 2; fi; rm -rf $(VENV); fi
	@$(PYTHON_IN) -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ $(FIND_PYTHON); echo "setting up $(VENV) with $$found"; $$found -m venv --clear $(VENV); }
	@echo $$PPID > $(VENV)/.installing
	@begun=$$(date +%s); \
	echo "installing $$(grep -c '^[a-zA-Z]' $(LOCK)) packages, some 800 MB"; \
	sed -n '/^uv==/,/[^\\]$$/p' $(LOCK) > $(VENV)/uv.txt; \
	{ $(PIP) --require-hashes -r $(VENV)/uv.txt && $(UV) --require-hashes -r $(LOCK) && $(UV) --no-deps -e .; } || \
	{ echo "uv cannot install here (see above): pip does, in minutes instead of seconds"; \
	$(PIP) --require-hashes -r $(LOCK) && $(PIP) --no-deps -e .; } && \
	echo "installed in $$(($$(date +%s) - begun)) s"
	@rm $(VENV)/.installing
	@touch $@

lock: ## renew requirements.lock after a change of requirements.txt
	@$(PYTHON_IN) -m uv --version >/dev/null || { echo "run 'make lint' first: it makes $(VENV)" >&2; exit 1; }
	$(PYTHON_IN) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-header requirements.txt --output-file $(LOCK)

# What a sceptic's tools need, and no reader.
$(SCEPTIC): trust/requirements.txt | $(STAMP)
	$(PYTHON_IN) -m pip install --quiet --disable-pip-version-check -r trust/requirements.txt
	@touch $@

.DEFAULT:
	@echo "make: there is nothing called '$@' here; 'make help' lists targets and notebooks" >&2; exit 2
