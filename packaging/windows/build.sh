#!/usr/bin/env bash
# Builds the library for Windows 7 and later, x86 and x64, on Debian 12:
#
#     packaging/windows/build.sh
#
# Output in target/windows/x86 and target/windows/x64:
#
#     lifepay.dll           needs no run-time library
#     lifepay.lib           import library for MSVC
#     liblifepay.dll.a      import library for MinGW
#     lifepay.def           its exports
#     lifepay-sandbox.exe   the sandbox
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/tools.sh

# The standard library is built too: the prebuilt one calls functions that Windows 7 lacks.
need_rust
need /usr/bin/x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32
need /usr/bin/i686-w64-mingw32-gcc gcc-mingw-w64-i686-win32
need_zig

out=$PWD/target/windows
build=$out/build
mkdir -p "$build"

# Otherwise the C code of SQLite and ring would be compiled for this machine.
for a in x86_64 i686; do
    export CC_${a}_win7_windows_gnu=$a-w64-mingw32-gcc AR_${a}_win7_windows_gnu=$a-w64-mingw32-ar
done
# 32-bit C code needs no unwind tables; 64-bit Windows requires them.
export CFLAGS_i686_win7_windows_gnu="$CFLAGS -fno-asynchronous-unwind-tables"
flags="$(remap_paths) -Z function-sections=yes -C link-arg=-Wl,--no-insert-timestamp,--gc-sections"
export CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_RUSTFLAGS=$flags
# Without the standard library's start-up object, a caught panic kills the process if the host has
# loaded libgcc itself.
/usr/bin/rustc --target i686-win7-windows-gnu --emit=obj -O -o "$build/rsbegin.o" \
    /usr/src/rustc-1.96.0/library/rtstartup/rsbegin.rs
export CARGO_TARGET_I686_WIN7_WINDOWS_GNU_RUSTFLAGS="$flags -Z pre-link-arg=$build/rsbegin.o"

# make_all FOLDER TARGET MACHINE: MACHINE is dlltool's name for it
make_all() {
    local to=$out/$1 from=$build/$1/$2/release
    export CARGO_TARGET_DIR=$build/$1
    /usr/bin/cargo rustc "${small[@]}" --target "$2" -p lifepay-sandbox --bin lifepay-sandbox
    # Only the DLL: for an rlib beside it, the compiler would keep all public functions, and MinGW's
    # linker would remove none.
    /usr/bin/cargo rustc "${small[@]}" --target "$2" -p lifepay --lib --crate-type cdylib
    mkdir -p "$to"
    cp "$from/lifepay.dll" "$from/liblifepay.dll.a" "$from/lifepay-sandbox.exe" "$to"
    {
        echo 'LIBRARY lifepay.dll'
        echo 'EXPORTS'
        awk '!/^#/ { print "    " $1 }' include/symbols.txt
    } >"$to/lifepay.def"
    "$zig/python" -m ziglang dlltool -m "$3" -d "$to/lifepay.def" -l "$to/lifepay.lib"
}
# In parallel, because the last step of each build uses only one processor.
make_all x64 x86_64-win7-windows-gnu i386:x86-64 &
first=$!
make_all x86 i686-win7-windows-gnu i386
wait $first

ls -l "$out"/x86/* "$out"/x64/*
