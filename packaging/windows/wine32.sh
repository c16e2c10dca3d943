#!/usr/bin/env bash
# Makes a command that runs 32-bit Windows programs on a 64-bit Debian 12. Debian's 32-bit wine cannot
# be installed beside the 64-bit one, so wine runs in a small 32-bit Debian. Needs root, 2 minutes, 600
# MB:
#
#     packaging/windows/wine32.sh
#     LIFEPAY_WINE32=$PWD/target/windows/wine32.command cargo test -p lifepay-packaging
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/tools.sh
need /usr/sbin/debootstrap debootstrap
# The tests' host for the 1C component is written in C++.
need /usr/bin/i686-w64-mingw32-g++-posix g++-mingw-w64-i686-posix

folder=$PWD/target/windows/debian-i386
command=$PWD/target/windows/wine32.command
if [ ! -e "$folder/.complete" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    # The mirror that this machine uses.
    mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' |
        awk '$2 == "bookworm" && !found { found = $1; print found }')
    debootstrap --arch=i386 --variant=minbase bookworm "$folder" "$mirror" >"$folder.log" ||
        { tail "$folder.log"; exit 1; }
    cp /etc/hosts /etc/resolv.conf "$folder/etc/"
    cp -r /etc/apt/apt.conf.d/. "$folder/etc/apt/apt.conf.d/"
    unshare -m sh -euc '
        mount -t proc proc "$1/proc"
        chroot "$1" apt-get update -qq -o APT::Architectures=i386
        DEBIAN_FRONTEND=noninteractive chroot "$1" \
            apt-get install -y -qq --no-install-recommends wine32 wine >/dev/null
    ' sh "$folder"
    touch "$folder/.complete"
fi

# The project has the same path inside, so that paths mean the same.
cat >"$command" <<EOF
#!/bin/sh
exec unshare -m sh -c '
    mkdir -p "$folder$PWD"
    mount -t proc proc "$folder/proc"
    mount --bind "$PWD" "$folder$PWD"
    exec chroot "$folder" sh -c "cd \"\\\$1\" 2>/dev/null; shift; exec env WINEARCH=win32 wine \"\\\$@\"" sh "\$PWD" "\$@"
' sh "\$@"
EOF
chmod +x "$command"
echo "$command"
