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

# need_rust: puts Debian's compiler for the web, which comes with the source of the standard library,
# into the environment, and into the array $small what makes a library small: a standard library built
# for size, no places of panics in the code of others, and less inlining, which saves 2 % of the library
# and costs a warm call one. Library and sandbox get each crate with the same features, so that it is
# compiled once. Nobody waits for the sandbox: less optimised, it is built in half the time. cargo forgets
# the profile's strip where a package has an optimisation of its own. rustup's compiler does not fit that
# source.
need_rust() {
    need /usr/src/rustc-1.96.0/library rustc-web cargo-web rust-web-src
    # A test's cargo tells it of the test's own package. Build scripts that read it would run anew.
    unset OUT_DIR $(compgen -e | grep -E '^CARGO_(PKG|MANIFEST|CRATE|BIN|PRIMARY)_')
    export RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc CARGO=/usr/bin/cargo
    # What is not called is left out, of C code too.
    export CFLAGS='-ffunction-sections -fdata-sections'
    small=(--release --locked -Z feature-unification
        --config 'resolver.feature-unification="workspace"' -Z build-std=std,panic_unwind
        -Z build-std-features=panic-unwind,optimize_for_size -Z profile-rustflags
        --config 'profile.release.package."*".rustflags=["-Zlocation-detail=none"]'
        --config 'profile.release.package.lifepay-sandbox.opt-level=1'
        --config 'profile.release.package.lifepay-sandbox.strip="symbols"'
        --config 'profile.release.rustflags=["-Cllvm-args=-inline-threshold=100"]')
}

# Nothing of this machine's folders stands in what is built.
remap_paths() {
    local registry
    for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        printf -- '--remap-path-prefix=%s=crates ' "$registry"
    done
    printf -- '--remap-path-prefix=%s=lifepay --remap-path-prefix=/usr/src=rust' "$PWD"
}
