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

packaging/linux/cargo-c.sh
export PATH=$PATH:$PWD/target/packaging/cargo-c/bin
cargo cinstall --release --locked --prefix "$prefix" --libdir lib
packaging/linux/hide-symbols.sh "$prefix/lib/liblifepay.a"
