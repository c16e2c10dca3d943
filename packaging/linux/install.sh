#!/usr/bin/env bash
# Builds the library and installs it, with header, pkg-config and CMake files:
#
#     packaging/linux/install.sh PREFIX
#
# It is `cargo cinstall` of cargo-c, which is got if it is missing, and the symbols of the static
# library hidden.
set -euo pipefail
prefix=$(realpath -m "$1")
cd "$(dirname "$0")/../.."

cargo_c=$PWD/target/packaging/cargo-c
if ! command -v cargo-cinstall >/dev/null; then
    # Without optimisation: it has little to do, and is built in half the time. Elsewhere: the
    # project's settings for SQLite are not for cargo-c's.
    [ -x "$cargo_c/bin/cargo-cinstall" ] ||
        (cd / && CARGO_PROFILE_DEV_DEBUG=0 cargo install --debug --locked --root "$cargo_c" cargo-c --version 0.10.18+cargo-0.92.0)
    export PATH=$cargo_c/bin:$PATH
fi
cargo cinstall --release --locked --prefix "$prefix" --libdir lib
packaging/linux/hide-symbols.sh "$prefix/lib/liblifepay.a"
