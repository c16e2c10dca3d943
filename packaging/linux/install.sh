#!/usr/bin/env bash
# Builds the library and installs it, with header, pkg-config and CMake files:
#
#     packaging/linux/install.sh PREFIX
#
# Runs `cargo cinstall` of cargo-c, which is installed if it is missing, and hides the symbols of the
# static library.
set -euo pipefail
prefix=$(realpath -m "$1")
cd "$(dirname "$0")/../.."

packaging/linux/cargo-c.sh
export PATH=$PATH:$PWD/target/packaging/cargo-c/bin
cargo cinstall --release --locked --prefix "$prefix" --libdir lib
packaging/linux/hide-symbols.sh "$prefix/lib/liblifepay.a"
