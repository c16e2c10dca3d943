#!/usr/bin/env bash
# Lets Free Pascal on Debian compile for Windows: builds the units of its run-time library for 32
# and 64 bit, and the compiler for 32 bit, into a folder. Existing files are left unchanged.
#
#     packaging/windows/fpc-units.sh FOLDER
#     FOLDER/fpc-win64 program.dpr
#     FOLDER/fpc-win32 program.dpr
#
# Needs the packages fp-compiler, fp-units-rtl and fpc-source. Takes half a minute.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 FOLDER" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
version=$(fpc -iV)
source=/usr/share/fpcsrc/$version
if [ ! -d "$source/rtl" ]; then
    echo "$0: no $source: install fpc-source" >&2
    exit 1
fi

# One build at a time; a folder is either complete or missing.
exec 9>"$folder/lock"
flock 9
work=$folder/unfinished
rm -rf "$work"
mkdir "$work"

# Runs a compiler silently, and shows its output if it fails.
quietly() {
    "$@" >"$work/output" 2>&1 || {
        cat "$work/output" >&2
        echo "failed: $*" >&2
        exit 1
    }
}

# units COMPILER TARGET PROCESSOR: builds the run-time library
units() {
    [ -d "$folder/units-$2" ] && return
    local out=$work/units-$2 rtl=$source/rtl
    mkdir "$out"
    local compile=("$1" -n "-T$2" -Mobjfpc -O2 "-FU$out" "-FE$out" "-Fu$out")
    local part
    for part in inc win objpas "$2" "$3" win/wininc objpas/sysutils objpas/classes; do
        compile+=("-Fi$rtl/$part" "-Fu$rtl/$part")
    done
    quietly "${compile[@]}" -Us -Sg "$rtl/$2/system.pp"
    quietly "${compile[@]}" -Sg "$rtl/objpas/objpas.pp"
    quietly "${compile[@]}" -Sg "$rtl/$2/buildrtl.pp"
    # Programs in {$MODE DELPHIUNICODE} use it.
    quietly "${compile[@]}" -Sg "$rtl/inc/uuchar.pp"
    mv "$out" "$folder/units-$2"
}

# Builds the compiler for 32 bit, which Debian does not package.
cross_compiler() {
    [ -x "$folder/ppcross386" ] && return
    local compiler=$source/compiler out=$work/compiler
    mkdir "$out"
    quietly fpc -v0 "-FE$out" "-FU$out" "$compiler/utils/msg2inc.pp"
    (cd "$out" && quietly ./msg2inc "$(messages)" msg msg)
    quietly fpc -di386 -Sg -O1 "-FU$out" "-o$out/ppcross386" "-Fi$out" \
        "-Fu$compiler/i386" "-Fi$compiler/i386" "-Fu$compiler/x86" "-Fi$compiler/x86" \
        "-Fu$compiler/systems" "-Fi$compiler" "-Fu$compiler" "$compiler/pp.pas"
    mv "$out/ppcross386" "$folder/ppcross386"
}

messages() {
    local compiler
    compiler=$(readlink -f "$(command -v ppcx64)")
    local here
    for here in "$(dirname "$compiler")" "/usr/lib/$(uname -m)-linux-gnu/fpc/$version" "/usr/lib/fpc/$version"; do
        if [ -f "$here/msg/errore.msg" ]; then
            echo "$here/msg/errore.msg"
            return
        fi
    done
    echo "no errore.msg of Free Pascal $version" >&2
    exit 1
}

# command_for NAME COMPILER TARGET: makes a command that compiles for a target
command_for() {
    printf '#!/bin/sh\nexec "%s" -n -T%s "-Fu%s/units-%s" "$@"\n' "$2" "$3" "$folder" "$3" >"$work/$1"
    chmod +x "$work/$1"
    mv "$work/$1" "$folder/$1"
}

units ppcx64 win64 x86_64
command_for fpc-win64 ppcx64 win64
cross_compiler
units "$folder/ppcross386" win32 i386
command_for fpc-win32 "$folder/ppcross386" win32
rm -rf "$work"
