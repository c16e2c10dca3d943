#!/usr/bin/env bash
# Builds the library for Linux with glibc 2.17 and later, on Debian 12:
#
#     packaging/linux/build.sh [MACHINE...]
#
# MACHINE is x86_64, aarch64 or i686; default: all three. Output in target/linux/MACHINE: liblifepay.so,
# liblifepay.so.0, liblifepay.a, lifepay-sandbox.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/tools.sh
machines=("$@")
[ $# -gt 0 ] || machines=(x86_64 aarch64 i686)
for machine in "${machines[@]}"; do
    case $machine in
    x86_64 | aarch64 | i686) ;;
    *) sed -n '2,/^set/{/^#/p}' "$0" >&2 && exit 2 ;;
    esac
done
need_rust
need_zig
case " ${machines[*]} " in
*' aarch64 '*) need /usr/bin/aarch64-linux-gnu-objcopy binutils-aarch64-linux-gnu ;;
esac

# One command for all machines, so that build scripts and macros are compiled once.
export CARGO_TARGET_DIR=$PWD/target/linux/build
export PATH=$zig:$PATH CARGO_ZIGBUILD_ZIG_PATH=$zig/python-zig
flags=$(remap_paths)
# C code throws no exceptions, so it needs no unwind tables. The other options make Clang's code small.
small_c="$CFLAGS -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer \
    -Xclang -Oz -mllvm -inline-threshold=0"

make_all() {
    local target=$1-unknown-linux-gnu out=target/linux/$1
    local name=${target//-/_} built=$CARGO_TARGET_DIR/$target/release
    export "CFLAGS_$name=$small_c" "CARGO_TARGET_${name^^}_RUSTFLAGS=$flags"
    # Without the rlib, for which the compiler would keep all public functions.
    cargo-zigbuild rustc "${small[@]}" --target "$target.2.17" -p lifepay --lib \
        --crate-type cdylib,staticlib
    cargo-zigbuild rustc "${small[@]}" --target "$target.2.17" -p lifepay-sandbox \
        --bin lifepay-sandbox
    mkdir -p "$out"
    cp "$built/liblifepay.so" "$built/liblifepay.a" "$built/lifepay-sandbox" "$out"
    ln -sf liblifepay.so "$out/liblifepay.so.0"
    case $1 in
    aarch64) export LD=aarch64-linux-gnu-ld OBJCOPY=aarch64-linux-gnu-objcopy ;;
    i686) export LD='ld -m elf_i386' OBJCOPY=objcopy ;;
    *) export LD=ld OBJCOPY=objcopy ;;
    esac
    packaging/linux/hide-symbols.sh "$out/liblifepay.a"
    ls -l "$out"
}

for machine in "${machines[@]}"; do
    make_all "$machine"
done
