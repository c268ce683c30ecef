#!/usr/bin/env bash
# make up: builds the console and the binary, and runs everything in one process.
# Usage: up.sh DATA_DIR PORT PROFILE
set -euo pipefail
. "$(dirname "$0")/tools.sh"

data_dir=$1 port=$2 profile=$3

need_cargo
need_node

say "Building the console"
build_console
say "Building Patchbay (the first time takes a few minutes)"
cargo build --locked --profile "$profile" --package patchbay

# The profile `dev` builds into the directory `debug`.
directory=$profile
[ "$profile" != dev ] || directory=debug
exec "${CARGO_TARGET_DIR:-target}/$directory/patchbay" up --data-dir "$data_dir" --port "$port"
