#!/bin/sh
# Compiles LifePay.dll and its documentation, LifePay.xml, into a folder:
#
#     bindings/csharp/build.sh FOLDER
#
# Needs Mono's compiler (Debian's mono-mcs). The same sources give the same bytes. The assembly
# refers to the oldest mscorlib, which every implementation of .NET provides.
set -eu
command -v mcs >/dev/null || {
    echo 'Missing: mcs. On Debian: apt-get install mono-mcs' >&2
    exit 1
}
mkdir -p "$1"
exec mcs -langversion:7 -target:library -optimize+ -debug- -warnaserror+ \
    "-doc:$1/LifePay.xml" "-out:$1/LifePay.dll" "$(dirname "$0")"/src/*.cs
