#!/usr/bin/env bash
# make test: everything, on both topologies. Installs what is missing, stops what it starts.
set -euo pipefail
. "$(dirname "$0")/tools.sh"

# Packages first: the C compiler that need_cargo looks for is one of them.
deploy/scripts/packages.sh
need_cargo
need_node

say "Installing the Python and Node packages of the tests"
clients=crates/testkit/clients
if ! cmp -s "$clients/requirements.txt" .venv/.installed; then
    rm -rf .venv
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --requirement "$clients/requirements.txt"
    cp "$clients/requirements.txt" .venv/.installed
fi
npm_install "$clients/inspector"
npm_install "$clients/oidc-provider"

say "Building the console"
build_console

say "Building the product and its tests"
cargo build --locked --workspace --bins
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --no-run
else
    say "cargo-nextest is not installed: cargo test runs the tests (cargo install cargo-nextest --locked is faster)"
    cargo test --locked --workspace --no-run
fi

export PATCHBAY_TEST_BINARY="${CARGO_TARGET_DIR:-$repository/target}/debug/patchbay"
exec "${CARGO_TARGET_DIR:-target}/debug/services" -- deploy/scripts/test-with-services.sh
