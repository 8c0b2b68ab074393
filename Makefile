# The recipes live in scripts/, which say what they do; each also runs by itself.
.DEFAULT_GOAL := help
.PHONY: help setup run dev check test test-fast bench e2e fuzz fmt release clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what the build needs, where it is missing
	@scripts/setup.sh

run: ## build and start on http://localhost:3000 with the embedded database
	@scripts/run.sh

dev: ## the same, rebuilding and reloading on every change
	@scripts/dev.sh

check: ## quick: formatting, lints, WebAssembly
	@scripts/check.sh

test: ## everything: lints, tests on SQLite and PostgreSQL, browser tests
	@scripts/test.sh

test-fast: ## the Rust tests on SQLite alone
	@scripts/test.sh fast

e2e: ## the browser tests alone
	@scripts/e2e.sh

bench: ## measure against peers in the same run; writes benches/RESULTS.md
	@scripts/bench.sh

fuzz: ## made-up requests from the OpenAPI document, at least 10,000: no 5xx
	@scripts/fuzz.sh

fmt: ## format the code
	@cargo fmt --all

release: ## the optimised binary that carries its site: target/dist/event-actions
	@scripts/release.sh

clean: ## remove what was built and installed here; data stays
	@echo "removing target, node_modules, shots and test-results"
	@rm -rf target node_modules shots test-results
