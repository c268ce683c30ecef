#!/usr/bin/env bash
# make bench: measures the release build against nginx in the same run. Arguments go to the loadtest program.
set -euo pipefail
. "$(dirname "$0")/tools.sh"

need_cargo
has nginx || [ -x /usr/sbin/nginx ] || fail "nginx is missing: apt-get install nginx-light"
cargo build --locked --release --package patchbay --package loadtest
release=${CARGO_TARGET_DIR:-target}/release
mkdir -p target/loadtest
exec "$release/loadtest" --binary "$release/patchbay" --out target/loadtest "$@"
