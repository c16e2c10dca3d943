# Sourced by the scripts in this folder: installs what they need on Debian 12. The current folder
# must be the project's root.

# need FILE PACKAGE...: installs Debian packages unless the file exists.
need() {
    [ -e "$1" ] && return
    shift
    if [ "$(id -u)" != 0 ]; then
        echo "Missing. As root: apt-get install --no-install-recommends $*" >&2
        exit 1
    fi
    echo "installing $*"
    # Only for this machine's architecture: the lists of another one may be unreachable.
    apt-get update -qq -o APT::Architectures="$(dpkg --print-architecture)"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# need_zig: sets $zig to a folder with cargo-zigbuild and python-zig, a compiler that includes the
# libraries of other systems.
need_zig() {
    zig=$PWD/target/packaging/zig/bin
    if [ ! -e "$zig/.complete" ]; then
        need /usr/share/doc/python3-venv python3-venv
        python3 -m venv target/packaging/zig
        "$zig/pip" install -q --disable-pip-version-check ziglang==0.17.1 cargo-zigbuild==0.24.0
        touch "$zig/.complete"
    fi
}

# need_rust: puts Debian's compiler for the web into the environment. It comes with the source of the
# standard library, which rustup's compiler does not match. Sets the array $small to the options that
# make a library small: a standard library built for size, no panic locations in the code of other
# crates, and less inlining, which saves 2 % of the library's size and makes a warm call 1 % slower.
# Library and sandbox use each crate with the same features, so that it is compiled once. The sandbox is
# less optimised, because its speed does not matter and it is then built in half the time. cargo ignores
# the profile's strip for a package with its own opt-level, so it is set again.
need_rust() {
    need /usr/src/rustc-1.96.0/library rustc-web cargo-web rust-web-src
    # In a test, cargo sets variables about the test's package. Build scripts that read them would
    # rerun.
    unset OUT_DIR $(compgen -e | grep -E '^CARGO_(PKG|MANIFEST|CRATE|BIN|PRIMARY)_')
    export RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc CARGO=/usr/bin/cargo
    # Allows the linker to remove functions that are never called, in C code too.
    export CFLAGS='-ffunction-sections -fdata-sections'
    small=(--release --locked -Z feature-unification
        --config 'resolver.feature-unification="workspace"' -Z build-std=std,panic_unwind
        -Z build-std-features=panic-unwind,optimize_for_size -Z profile-rustflags
        --config 'profile.release.package."*".rustflags=["-Zlocation-detail=none"]'
        --config 'profile.release.package.lifepay-sandbox.opt-level=1'
        --config 'profile.release.package.lifepay-sandbox.strip="symbols"'
        --config 'profile.release.rustflags=["-Cllvm-args=-inline-threshold=100"]')
}

# Prints the options that keep this machine's paths out of the built files.
remap_paths() {
    local registry
    for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        printf -- '--remap-path-prefix=%s=crates ' "$registry"
    done
    printf -- '--remap-path-prefix=%s=lifepay --remap-path-prefix=/usr/src=rust' "$PWD"
}
