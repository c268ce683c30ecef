# The commands of this repository. What is longer than a line lives in deploy/scripts.

# `make up`: where the data is kept, on which port, and how the binary is built (dev: minutes; release: faster, longer to build).
DATA_DIR ?= data
PORT ?= 4480
PROFILE ?= dev

SCRIPTS := deploy/scripts

.DEFAULT_GOAL := help
.PHONY: help up test check generate bench clean

help: ## Say what each command does
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

up: ## Build and run everything in one process; DATA_DIR=data PORT=4480 PROFILE=dev
	@$(SCRIPTS)/up.sh "$(DATA_DIR)" "$(PORT)" "$(PROFILE)"

test: ## Run every test on both topologies, with real servers, clients and a real browser
	@$(SCRIPTS)/test.sh

check: ## Format, lints, dependency direction, generated files, types of the console
	@$(SCRIPTS)/check.sh

generate: ## Write SDL, OpenAPI, configuration schema and example, connector docs, TypeScript types
	@$(SCRIPTS)/generate.sh

bench: ## Measure MCP traffic against nginx in the same run; writes target/loadtest/report.md
	@$(SCRIPTS)/bench.sh

clean: ## Remove what was built; your data stays
	@rm -rf target web/dist web/node_modules crates/testkit/clients/inspector/node_modules .venv
