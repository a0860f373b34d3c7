# Everything that is run from a shell. `make` alone lists the targets.
#
# Needs Rust, Python 3 with pip, git and make, and the package registries on the first run. `make check` takes Python 3.11 and Node 20 with npm as well.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Tree that `make demo` reads.
DOCS ?= .
# Address and data folder of `make run`.
LISTEN ?= 127.0.0.1:8080
DATA_DIR ?= ./data
# Judged set of `make bench-relevance`, `bench-fusions` and `bench-ablations` (several of `bench-train`), the format of its documents where it has to be said
# (`python` for bare functions), and whether to index it anew.
DATA ?=
FORMAT ?=
FRESH ?=
# Load of `make bench-load`.
RATE ?= 20
SECONDS_EACH ?= $(if $(filter command line environment,$(origin SECONDS)),$(SECONDS),60)
PASSAGES ?= 10000
# Cluster file of `make test-fdb`, and the folder of the client library where the system has none.
FDB_CLUSTER_FILE ?=
FDB_LIB_DIR ?=
export FDB_LIB_DIR
# Sets of `make bench-ann` (all, or some with commas), its indexes (all, or some with commas), the trees whose text its set `passages` is made
# of, and whether to take only the first set with the strongest peers.
SETS ?=
PEERS ?=
TEXTS ?= ../shared/data /usr/share/doc $(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src
QUICK ?=
# What `make bench-trial` puts the index through.
TRIAL ?= filters
# How often `make check-memory` runs the tests of threads.
ROUNDS ?= 20
# How long the idle connections of `make bench-ws` are, seconds.
IDLE ?= 600
# What `make bench-ws` measures, with commas, if not everything: latency, bulk, revocation, resume, idle.
ONLY ?=
# Kills of `make test-crash`, and the seed of an earlier run (of `make test-faults` too).
KILLS ?= 20
SEED ?=
# Seeds of `make test-faults`, the first of them, and with SEED= the steps of its trace to keep.
SEEDS ?= 20
FIRST ?= 1
KEEP ?=

# Faults that the engine's tests meet on the stand-in after a calm run, each time with another of so many seeds.
ROUGH := latency_ms=1,not_committed=0.02,commit_too_old=0.01,unknown_committed=0.02,unknown_not_committed=0.02,too_old=0.01,process_behind=0.01,future_version=0.01,small_pages=0.2,watch_lost=0.1
ROUGH_SEEDS ?= 1
# Not under faults: those that build large indexes, one that counts that nobody has to try again, one that reads 50 MB in a transaction,
# which seldom meets no fault, and one that compares a store while it is written to, which takes minutes then (`make test-faults` does that as well).
ROUGH_SKIPS := --skip recall --skip hot_key --skip 50_megabytes --skip store_that_is_written_to

# Minutes that `make fuzz` gives each target.
MINUTES ?= 10

# Runs a command with the local embedding model and ONNX Runtime in its environment.
WITH_MODEL := scripts/with_model.sh
# Runs a command with a server that speaks for Google Cloud Storage.
WITH_GCS := scripts/with_fake_gcs.sh
RELEASE := cargo build --quiet --release --locked
PRODUCT := -p coditect-server -p coditect-ingest
BENCHES := -p coditect-benches
JUDGED = --data '$(DATA)' $(if $(FORMAT),--format '$(FORMAT)') $(if $(filter-out 0,$(FRESH)),--fresh)
# The stand-in for FoundationDB's client library, in a folder that no library path leads to by itself.
STANDIN := $(CURDIR)/target/standin
# The whole workspace is selected, so that crates of others are those of `make test`; which tests are built and run is said behind.
FDB_FEATURES := coditect-store/fdb,coditect-store/testing,coditect-engine/fdb,coditect-auth/fdb,coditect-workspaces/fdb
TEST_ON_FDB := scripts/with_libclang.sh cargo test --quiet --locked --workspace --features $(FDB_FEATURES)
TEST_ENGINE_FDB := $(TEST_ON_FDB) --test engine
ON_STANDIN := env -u FDB_CLUSTER_FILE -u FDB_CLUSTER_STRING LD_LIBRARY_PATH=$(STANDIN) FDB_LIB_DIR=$(STANDIN)
TEST_AUTH_FDB := $(TEST_ON_FDB) --test auth
TEST_WORKSPACES_FDB := $(TEST_ON_FDB) --test workspaces
TEST_FAULTS := $(TEST_ON_FDB) --test faults
TEST_FDB := $(TEST_ON_FDB) --test fdb
# Built with the product, so that all that both need is built once.
BUILD_BENCH := $(RELEASE) $(PRODUCT) $(BENCHES)
BENCH := $(WITH_MODEL) target/release

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Fetch the embedding model and ONNX Runtime into the cache
	@python3 scripts/fetch_model.py

.PHONY: build
build: ## Build the release binaries
	cargo build --release --locked $(PRODUCT)
	cargo build --release --locked -p coditect-websocket

.PHONY: dist
dist: ## Build the sidecar as its image has it, in target/dist
	cargo build --quiet --profile dist --locked -p coditect-websocket

.PHONY: build-benches
build-benches:
	@$(BUILD_BENCH) --bins

.PHONY: demo
demo: setup ## Push DOCS= into a fresh server and ask it questions
	@echo "building release binaries (the first time takes minutes)"
	@$(BUILD_BENCH) --bin coditect-server --bin coditect-ingest --bin demo
	@$(BENCH)/demo --docs '$(DOCS)'

.PHONY: run
run: setup build ## Start the server on LISTEN= with data under DATA_DIR= and leave it running
	@$(WITH_MODEL) cargo run --quiet --release --locked -p coditect-server --bin coditect-server -- \
		--listen '$(LISTEN)' --data-dir '$(DATA_DIR)'

.PHONY: test
test: setup ## Run every test
	@$(WITH_MODEL) $(WITH_GCS) cargo test --workspace --locked --no-fail-fast
	@$(MAKE) --no-print-directory test-standin

.PHONY: standin
standin: ## Build the FoundationDB client library that tests run on
	cargo build --quiet --locked -p fdb-standin
	@mkdir -p $(STANDIN)
	@cp target/debug/libfdb_standin.so $(STANDIN)/libfdb_c.so

.PHONY: test-standin
test-standin: standin ## Run the tests of store, engine, auth and workspaces on the FoundationDB backend without a cluster
	@env -u FDB_CLUSTER_FILE -u FDB_CLUSTER_STRING FDB_LIB_DIR=$(STANDIN) $(TEST_FDB)
	@$(ON_STANDIN) $(TEST_ENGINE_FDB)
	@$(ON_STANDIN) $(TEST_AUTH_FDB)
	@$(ON_STANDIN) $(TEST_WORKSPACES_FDB)
	@for seed in $$(seq $(ROUGH_SEEDS)); do \
		echo "the engine's tests, and those of sign-in and workspaces, with FDB_STANDIN_FAULTS=seed=$$seed,$(ROUGH)"; \
		FDB_STANDIN_FAULTS="seed=$$seed,$(ROUGH)" $(ON_STANDIN) $(TEST_ENGINE_FDB) -- $(ROUGH_SKIPS); \
		FDB_STANDIN_FAULTS="seed=$$seed,$(ROUGH)" $(ON_STANDIN) $(TEST_AUTH_FDB); \
		FDB_STANDIN_FAULTS="seed=$$seed,$(ROUGH)" $(ON_STANDIN) $(TEST_WORKSPACES_FDB) -- --skip model:: --skip crash::; \
	done
	@SEEDS=20 FIRST= SEED= KEEP= $(ON_STANDIN) $(TEST_FAULTS)

.PHONY: test-faults
test-faults: standin ## Drive several engines through SEEDS= seeded histories with faults; one again with SEED=
	@SEEDS='$(SEEDS)' FIRST='$(FIRST)' SEED='$(SEED)' KEEP='$(KEEP)' $(ON_STANDIN) $(TEST_FAULTS)

.PHONY: test-fdb
test-fdb: ## Run the same tests on the cluster of FDB_CLUSTER_FILE=, with the client library of FDB_LIB_DIR= or the system
	@[ -n '$(FDB_CLUSTER_FILE)' ] || { echo 'usage: make test-fdb FDB_CLUSTER_FILE=<path> [FDB_LIB_DIR=<folder of libfdb_c.so>]' >&2; exit 2; }
	@env -u FDB_CLUSTER_STRING FDB_CLUSTER_FILE='$(abspath $(FDB_CLUSTER_FILE))' $(TEST_FDB)
	@env -u FDB_CLUSTER_STRING FDB_CLUSTER_FILE='$(abspath $(FDB_CLUSTER_FILE))' LD_LIBRARY_PATH='$(FDB_LIB_DIR)' $(TEST_ENGINE_FDB)
	@env -u FDB_CLUSTER_STRING FDB_CLUSTER_FILE='$(abspath $(FDB_CLUSTER_FILE))' LD_LIBRARY_PATH='$(FDB_LIB_DIR)' $(TEST_AUTH_FDB)
	@env -u FDB_CLUSTER_STRING FDB_CLUSTER_FILE='$(abspath $(FDB_CLUSTER_FILE))' LD_LIBRARY_PATH='$(FDB_LIB_DIR)' $(TEST_WORKSPACES_FDB)
	@FDB_CLUSTER_FILE='$(abspath $(FDB_CLUSTER_FILE))' LD_LIBRARY_PATH='$(FDB_LIB_DIR)' $(TEST_ENGINE_FDB) -- --ignored nothing_stays_on_the_cluster

.PHONY: test-page
test-page: setup ## Use the API page in a headless Chromium
	cargo test --workspace --locked --quiet --no-run
	@CODITECT_SERVER=target/debug/coditect-server $(WITH_MODEL) scripts/with_chromium.sh python3 server/tests/page/test_page.py

.PHONY: test-client
test-client: ## Check and test the TypeScript client of the resume protocol
	@command -v npm >/dev/null || { echo 'test-client needs Node 20 or later with npm' >&2; exit 2; }
	@cd ws-sidecar/client && npm ci --silent --no-audit --no-fund && npm run --silent check && npm test --silent

.PHONY: test-sockets
test-sockets: setup ## Talk through gateway and sidecar with clients and a workspace of others, a headless Chromium among them
	cargo test --workspace --locked --quiet --no-run
	@CODITECT_SERVER=target/debug/coditect-server $(WITH_MODEL) scripts/with_sockets.sh scripts/with_chromium.sh python3 server/tests/sockets/test_sockets.py

.PHONY: check-k8s
check-k8s: ## Render and check the Kubernetes manifests and Dockerfiles, then see whether faults are noticed
	@python3 scripts/check_k8s.py
	@python3 scripts/check_k8s.py --self-test

.PHONY: fuzz
fuzz: ## Fuzz each target of engine/fuzz for MINUTES= with a nightly compiler
	@cargo +nightly fuzz --version >/dev/null 2>&1 || cargo install --locked --version 0.13.2 cargo-fuzz
	@for target in $$(cargo +nightly fuzz list --fuzz-dir engine/fuzz); do \
		cargo +nightly fuzz run --fuzz-dir engine/fuzz $$target -- \
			-max_total_time=$$((60 * $(MINUTES))) -timeout=60 -rss_limit_mb=4096; \
	done

.PHONY: check
check: lint check-k8s test check-models test-client test-sockets test-page ## What CI runs, without the demo

.PHONY: check-models
check-models: ## Check the lock-free parts of the vector index in every order of steps
	@RUSTFLAGS='--cfg crossbeam_loom' cargo run --quiet --release --locked --target-dir target/loom -p coditect-models

.PHONY: check-memory
check-memory: ## Run the vector index's tests under AddressSanitizer and LeakSanitizer (needs the nightly toolchain)
	@scripts/check_memory.sh $(ROUNDS)

.PHONY: lint
lint: ## Formatting, clippy, structure, dependencies, manifests, spelling
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
	cargo xtask tidy
	cargo xtask deps
	@python3 scripts/check_k8s.py
	scripts/typos.sh

.PHONY: fmt
fmt: ## Format the sources
	cargo fmt --all

.PHONY: bench-relevance
bench-relevance: need-data setup build-benches ## Run the judged set DATA= through the server; FRESH=1 indexes anew
	@$(BENCH)/relevance run $(JUDGED)

.PHONY: bench-fusions
bench-fusions: need-data setup build-benches ## Compare the fusion with others on the judged set DATA=
	@$(BENCH)/relevance fusions $(JUDGED)

.PHONY: bench-ablations
bench-ablations: need-data setup build-benches ## Rank the judged set DATA= with other token codes, weights and depths
	@$(BENCH)/relevance ablations $(JUDGED)

.PHONY: bench-train
bench-train: setup build-benches ## Train the ranking on the judged sets DATA="<folder> <folder> ..."
	@[ -n '$(word 2,$(DATA))' ] || { echo 'usage: make bench-train DATA="<folder> <folder> ..."' >&2; exit 2; }
	@for set in $(DATA); do $(BENCH)/relevance features --data "$$set"; done
	@$(BENCH)/relevance train $(foreach set,$(DATA),target/bench/features-$(notdir $(set)).json)

.PHONY: need-data
need-data:
	@[ -n '$(DATA)' ] || { echo 'usage: make bench-relevance DATA=<folder of a judged set> [FRESH=1]' >&2; exit 2; }

.PHONY: bench-load
bench-load: setup build-benches ## Latency at RATE= searches/s for SECONDS= each over PASSAGES= passages
	@$(BENCH)/load --rate $(RATE) --seconds $(SECONDS_EACH) --passages $(PASSAGES) \
		$(if $(filter-out 0,$(FRESH)),--fresh)

.PHONY: bench-ws
bench-ws: dist ## The WebSocket sidecar beside a direct connection: memory, added latency, bulk, revocation, resuming; SECONDS= for each run, IDLE=, ONLY=bulk
	@$(BUILD_BENCH) --bin ws
	@target/release/ws --idle-seconds $(IDLE) $(if $(ONLY),--only '$(ONLY)') $(if $(filter command line environment,$(origin SECONDS)),--seconds $(SECONDS))

.PHONY: bench-guard
bench-guard: setup build-benches ## What sign-in costs: guarded requests, searches beside logins, the clean-up; SECONDS= for each run
	@$(BENCH)/guard $(if $(filter command line environment,$(origin SECONDS)),--seconds $(SECONDS))

.PHONY: bench-ingest
bench-ingest: setup build-benches ## Time a push of the tree DOCS= against embedding its passages alone
	@$(BENCH)/ingest --docs '$(DOCS)'

.PHONY: bench-ann
bench-ann: setup ## Compare the vector index with its peers on SETS=; QUICK=1 takes one set and the strongest peers
	@benches/ann/install.sh
	@$(BUILD_BENCH) --bin ann
	@$(BENCH)/ann run $(if $(filter-out 0,$(QUICK)),--quick) $(if $(SETS),--sets '$(SETS)') $(if $(PEERS),--peers '$(PEERS)') --texts '$(TEXTS)'

.PHONY: bench-trial
bench-trial: setup ## Put the vector index alone through TRIAL= (filters, churn or writes) on SETS=
	@$(BUILD_BENCH) --bin ann
	@$(BENCH)/ann trial '$(TRIAL)' $(if $(SETS),--sets '$(SETS)') --texts '$(TEXTS)'

.PHONY: test-crash
test-crash: setup build-benches ## Kill the server KILLS= times during ingest and prove that nothing is lost
	@$(BENCH)/crash --kills $(KILLS) $(if $(SEED),--seed $(SEED))
