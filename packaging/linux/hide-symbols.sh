#!/usr/bin/env bash
# Makes all symbols of a static library local except those of the interface, so that the SQLite inside
# does not conflict with the host's own:
#
#     packaging/linux/hide-symbols.sh LIBRARY.a
#
# OBJCOPY and LD select tools other than binutils'.
set -euo pipefail
library=$(realpath "$1")
symbols=$(realpath "$(dirname "$0")/../../include/symbols.txt")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

awk '!/^#/ { print $1 }' "$symbols" >public
${LD:-ld} -r --whole-archive "$library" -o whole.o
# Removes the code for link-time optimisation, which is no longer needed and is too large to ship.
${OBJCOPY:-objcopy} --keep-global-symbols=public --strip-debug \
    --remove-section=.llvmbc --remove-section=.llvmcmd whole.o lifepay.o
rm -f new.a
${AR:-ar} rcsD new.a lifepay.o
mv new.a "$library"
