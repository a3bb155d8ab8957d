# Everything a person or CI does with Hark. `make help` lists it.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# The nats-server to start: the one that scripts/setup fetches, unless the caller names another.
WITH_NATS = HARK_NATS_SERVER="$${HARK_NATS_SERVER:-$(CURDIR)/.cache/nats-server}"
# For one-off options: make demo ARGS="--help", make bench ARGS=bus, make fuzz ARGS=sdp
ARGS ?=

.PHONY: help
help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.PHONY: setup
setup: ## Brings what the build, the demo and the tests need (Debian packages, nats-server)
	@scripts/setup test

.PHONY: demo
demo: ## A NATS server, a telephone network and 200 calls on this machine, in one terminal
	@scripts/setup demo
	@$(WITH_NATS) cargo run --quiet --release -p hark -- up $(ARGS)

.PHONY: test
test: ## Everything CI checks: format, lints, licences, all tests
	@scripts/setup test
	@$(WITH_NATS) scripts/test $(ARGS)

.PHONY: bench
bench: ## Measures and prints `bench NAME VALUE UNIT` lines; see docs/performance.md
	@scripts/setup demo
	@$(WITH_NATS) scripts/bench $(ARGS)

.PHONY: fuzz
fuzz: ## Runs every fuzz target for a short time (SECONDS_EACH=20)
	@scripts/fuzz $(ARGS)

.PHONY: lint
lint: ## Format check and clippy
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings

.PHONY: fmt
fmt: ## Formats the code
	cargo fmt --all

.PHONY: deny
deny: ## Licences, known faults and sources of what we build on (needs cargo-deny)
	cargo deny --all-features check

.PHONY: clean
clean: ## Removes what was built, fetched and left by the demo
	cargo clean
	rm -rf .cache hark-data fuzz/target
