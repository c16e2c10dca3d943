#!/usr/bin/env bash
# Makes local every symbol of a static library but those of the interface, so that the SQLite inside
# does not clash with one of the host's own:
#
#     packaging/linux/hide-symbols.sh LIBRARY.a
#
# OBJCOPY and LD name other tools than binutils'.
set -euo pipefail
library=$(realpath "$1")
symbols=$(realpath "$(dirname "$0")/../../include/symbols.txt")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

awk '!/^#/ { print $1 }' "$symbols" >public
${LD:-ld} -r --whole-archive "$library" -o whole.o
# The compiler's own code for later optimisation is of no use any more, and of no size to ship.
${OBJCOPY:-objcopy} --keep-global-symbols=public --strip-debug \
    --remove-section=.llvmbc --remove-section=.llvmcmd whole.o lifepay.o
rm -f new.a
${AR:-ar} rcsD new.a lifepay.o
mv new.a "$library"
