#!/usr/bin/env bash
# make generate: writes every generated file; commit the result.
set -euo pipefail
. "$(dirname "$0")/tools.sh"

need_cargo
need_node
cargo run --quiet --locked --package patchbay -- schema write
npm_install web
npm --prefix web run --silent codegen
