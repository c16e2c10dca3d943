#!/usr/bin/env bash
# Builds the library for Linux x86_64 with glibc 2.17 and later, on Debian 12:
#
#     packaging/linux/build.sh
#
# Into target/linux: liblifepay.so, liblifepay.so.0, liblifepay.a, lifepay-sandbox.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/tools.sh
need_rust
need_zig

out=$PWD/target/linux
target=x86_64-unknown-linux-gnu
export CARGO_TARGET_DIR=$out/build
mkdir -p "$out"
export PATH=$zig:$PATH CARGO_ZIGBUILD_ZIG_PATH=$zig/python-zig
# C code throws nothing: it needs no tables to unwind. The rest are Clang's words for small.
export CFLAGS_x86_64_unknown_linux_gnu="$CFLAGS -fno-asynchronous-unwind-tables -fno-unwind-tables \
    -fomit-frame-pointer -Xclang -Oz -mllvm -inline-threshold=0"
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS=$(remap_paths)
# Without the rlib, for which the compiler would keep every public function.
cargo-zigbuild rustc "${small[@]}" --target $target.2.17 -p lifepay --lib --crate-type cdylib,staticlib
# Nobody waits for the sandbox: less optimised, it is built in half the time.
cargo-zigbuild rustc "${small[@]}" --target $target.2.17 -p lifepay-sandbox --bin lifepay-sandbox \
    -- -C opt-level=1

built=$CARGO_TARGET_DIR/$target/release
cp "$built/liblifepay.so" "$built/liblifepay.a" "$built/lifepay-sandbox" "$out"
ln -sf liblifepay.so "$out/liblifepay.so.0"
packaging/linux/hide-symbols.sh "$out/liblifepay.a"
ls -l "$out"
