# Shared by the scripts of this directory: where the repository is, and how to say what is missing.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$repository" || exit 1

# The oldest Node.js that the console builds with.
node_major=20
node_minor=19

say() {
    printf '\n== %s\n' "$*" >&2
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

need_cargo() {
    has cargo || fail "cargo is missing: install Rust 1.94 or newer from https://rustup.rs, then open a new shell"
    has cc || fail "a C compiler is missing (SQLite is built from source): apt-get install build-essential"
}

need_node() {
    has node && has npm || fail "node and npm are missing: install Node.js $node_major.$node_minor or newer from https://nodejs.org"
    node -e "const [a, b] = process.versions.node.split('.').map(Number); process.exit(a > $node_major || (a === $node_major && b >= $node_minor) ? 0 : 1)" ||
        fail "node $(node --version) is too old: the console is built with Node.js $node_major.$node_minor or newer"
}

# npm ci only when the lock file has changed since the last time.
npm_install() {
    local directory=$1 stamp=$1/node_modules/.installed
    if [ ! -f "$stamp" ] || ! cmp -s "$directory/package-lock.json" "$stamp"; then
        (cd "$directory" && npm ci --no-fund --no-audit --loglevel=error) || return 1
        cp "$directory/package-lock.json" "$stamp"
    fi
}

# The console, when a source file is newer than the last build.
build_console() {
    npm_install web || return 1
    if [ ! -f web/dist/index.html ] || [ -n "$(find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -newer web/dist/index.html -print -quit)" ]; then
        (cd web && npm run --silent build)
    fi
}
