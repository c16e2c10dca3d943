# Sourced by the scripts of this folder: gets what they need on a Debian 12. The current folder is the
# project's.

# need FILE PACKAGE...: installs Debian's packages unless the file is there.
need() {
    [ -e "$1" ] && return
    shift
    if [ "$(id -u)" != 0 ]; then
        echo "Missing. As root: apt-get install --no-install-recommends $*" >&2
        exit 1
    fi
    echo "installing $*"
    # Of this machine's architecture only: another one's lists may be out of reach.
    apt-get update -qq -o APT::Architectures="$(dpkg --print-architecture)"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# need_zig: puts a folder with cargo-zigbuild and python-zig, a compiler that knows other systems'
# libraries, into $zig.
need_zig() {
    zig=$PWD/target/packaging/zig/bin
    if [ ! -e "$zig/.complete" ]; then
        need /usr/share/doc/python3-venv python3-venv
        python3 -m venv target/packaging/zig
        "$zig/pip" install -q --disable-pip-version-check ziglang==0.17.1 cargo-zigbuild==0.24.0
        touch "$zig/.complete"
    fi
}

# Nothing of this machine's folders stands in what is built.
remap_paths() {
    local registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
    printf -- '--remap-path-prefix=%s=. ' "$PWD"
    printf -- '--remap-path-prefix=%s=registry ' "$registry"/*
    printf -- '--remap-path-prefix=/usr/src=rust '
}
