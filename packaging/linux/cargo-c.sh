#!/usr/bin/env bash
# Gets cargo-c into target/packaging/cargo-c, unless there is one: some minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v cargo-cinstall >/dev/null && exit

root=$PWD/target/packaging/cargo-c
mkdir -p "$root"
# Another one may be at it.
exec 9>"$root/lock"
flock 9
[ -x "$root/bin/cargo-cinstall" ] && exit
# Without optimisation: it has little to do, and is built in half the time. Elsewhere: the project's
# settings for SQLite are not for cargo-c's.
cd /
CARGO_PROFILE_DEV_DEBUG=0 cargo install --debug --locked --root "$root" \
    cargo-c --version 0.10.18+cargo-0.92.0 9>&-
