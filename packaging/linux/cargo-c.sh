#!/usr/bin/env bash
# Installs cargo-c into target/packaging/cargo-c, unless it is installed. Takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v cargo-cinstall >/dev/null && exit

root=$PWD/target/packaging/cargo-c
mkdir -p "$root"
# Another script may be installing it.
exec 9>"$root/lock"
flock 9
[ -x "$root/bin/cargo-cinstall" ] && exit
# Without optimisation: cargo-c has little work, and is built in half the time. In another folder,
# because the project's settings for SQLite must not apply to cargo-c's.
cd /
CARGO_PROFILE_DEV_DEBUG=0 cargo install --debug --locked --root "$root" \
    cargo-c --version 0.10.18+cargo-0.92.0 9>&-
