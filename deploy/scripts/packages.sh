#!/usr/bin/env bash
# Sees to what the tests need from Debian: installs it as root, says exactly what to install as another user.
set -euo pipefail
. "$(dirname "$0")/tools.sh"

missing=()

# need PACKAGE PROGRAM...: the package is missing when none of the programs is there.
need() {
    local package=$1 program
    shift
    for program in "$@"; do
        if has "$program" || [ -x "$program" ]; then
            return
        fi
    done
    missing+=("$package")
}

need postgresql postgres /usr/lib/postgresql/18/bin/postgres /usr/lib/postgresql/17/bin/postgres /usr/lib/postgresql/16/bin/postgres /usr/lib/postgresql/15/bin/postgres
need rabbitmq-server /usr/lib/rabbitmq/bin/rabbitmq-server
need redis-server redis-server
need nginx-light /usr/sbin/nginx nginx
need chromium chromium
need openssl openssl
need curl curl
need build-essential cc
if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    missing+=(python3 python3-venv)
fi

[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    fail "The tests need these packages, and only root can install them:

    sudo apt-get install ${missing[*]}

The tests start their own private servers: none of the packages' services has to run."
fi

say "Installing ${missing[*]}"
# The packages' own services are not wanted: the tests start private ones.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
