#!/usr/bin/env bash
# make check: what a reviewer should not have to look for.
set -euo pipefail
. "$(dirname "$0")/tools.sh"

need_cargo
need_node

say "Format"
cargo fmt --all --check
say "Lints"
cargo clippy --locked --workspace --all-targets -- -D warnings
say "Dependency direction"
cargo test --quiet --locked --package testkit --test it layers::
if cargo deny --version >/dev/null 2>&1; then
    cargo deny --locked check --allow unused-wrapper bans licenses sources
else
    say "cargo-deny is not installed: licences were not checked (cargo install cargo-deny --locked)"
fi
say "Generated files"
cargo run --quiet --locked --package patchbay -- schema check
npm_install web
npm --prefix web run --silent codegen:check
say "Console"
npm --prefix web run --silent lint
npm --prefix web run --silent typecheck
