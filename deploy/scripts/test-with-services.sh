#!/usr/bin/env bash
# The tests themselves, one suite after the other, inside `services`. A suite that fails does not stop the next one;
# the runners' own closing lines are repeated at the end.
set -uo pipefail
. "$(dirname "$0")/tools.sh"

target=${CARGO_TARGET_DIR:-target}
binary=$target/debug/patchbay
logs=$target/test-logs
mkdir -p "$logs"
failed=()
summaries=()

# suite NAME PATTERN COMMAND...: PATTERN finds the runner's closing line; `-` for tools that say nothing when all is well.
suite() {
    local name=$1 pattern=$2 start=$SECONDS line
    local log=$logs/${name// /-}.log
    shift 2
    say "$name"
    if "$@" 2>&1 | tee "$log"; then
        line=$(sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E -- "$pattern" | tail -n 1)
        # A runner that says nothing has run nothing.
        if [ "$pattern" = - ]; then line=passed; elif [ -z "$line" ]; then failed+=("$name"); fi
    else
        failed+=("$name")
        line=$(sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E -- "$pattern" | tail -n 1)
    fi
    summaries+=("$(printf '%-28s %4d s  %s' "$name" $((SECONDS - start)) "${line:-no summary}")")
}

rust_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        local profile=default
        [ -z "${CI:-}" ] || profile=ci
        cargo nextest run --locked --workspace --profile "$profile"
    else
        # Each test program says its own result: the summary is their sum.
        cargo test --locked --workspace --no-fail-fast | awk '
            { print; fflush() }
            /^test result:/ { passed += $4; failed += $6 }
            END { if (passed + failed > 0) printf "Summary %d passed, %d failed\n", passed, failed }'
    fi
}

clients() {
    # The remote server of these tests is on this machine: the plane allows private networks.
    "$target/debug/plane" --binary "$binary" --topology "$1" --files "$repository/docs" -- \
        .venv/bin/pytest --config-file=crates/testkit/clients/pytest.ini crates/testkit/clients
}

# The console in a browser, against a product of its own: the one-time sign-in link must be unused.
console_e2e() {
    local documents status=0
    documents=$(mktemp -d)
    PATCHBAY_E2E_DIR=$documents "$target/debug/plane" --binary "$binary" --topology "$1" \
        --files "$repository/docs" --files "$documents" -- npm --prefix web run --silent e2e || status=$?
    rm -rf "$documents"
    return $status
}

in_web() {
    npm --prefix web run --silent "$1"
}

export PATCHBAY_TEST_BINARY="$repository/$binary"
[ "${binary#/}" = "$binary" ] || PATCHBAY_TEST_BINARY=$binary

suite "rust" '^ *Summary' rust_tests
suite "deploy" '(passed|failed|error).* in ' .venv/bin/pytest --config-file=deploy/tests/pytest.ini deploy/tests
suite "clients embedded" '(passed|failed|error).* in ' clients embedded
suite "clients distributed" '(passed|failed|error).* in ' clients distributed
suite "console lint" - in_web lint
suite "console types" - in_web typecheck
suite "console unit" '^ *Tests ' in_web test
suite "console embedded" '^# (pass|tests)|^ℹ (pass|tests)' console_e2e embedded
suite "console distributed" '^# (pass|tests)|^ℹ (pass|tests)' console_e2e distributed

say "All suites"
printf '%s\n' "${summaries[@]}"
if [ ${#failed[@]} -gt 0 ]; then
    fail "Failed: ${failed[*]}"
fi
