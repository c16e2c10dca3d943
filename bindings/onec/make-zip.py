#!/usr/bin/env python3
"""Builds the archive from which 1C installs the component.

    make-zip.py ARCHIVE LIBRARY...

Each LIBRARY is the shared library for one platform, which is detected from the file. The archive
contains:

- the libraries, under names with the version, which 1C needs to distinguish versions;
- MANIFEST.XML with the given platforms;
- INFO.XML, from which configurations with 1C's library of standard subsystems (БСП) read the name
  and the version.

The same files produce the same archive. The time of its entries is SOURCE_DATE_EPOCH, or the
beginning of 1980.
"""

import os
import pathlib
import re
import struct
import sys
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
COMPONENT = re.compile(r'\s*<component os="(\w+)" path="([^"]+)" type="native" arch="(\w+)"/>')
# A component must export this function.
EXPORT = b"GetClassObject"
ELF_MACHINES = {3: "i386", 62: "x86_64", 183: "ARM64"}
PE_MACHINES = {0x014C: "i386", 0x8664: "x86_64"}


def platform(name, content):
    """Returns the platform of a library as in the manifest: (os, arch)."""
    system, machine, machines = None, None, {}
    if content[:4] == b"\x7fELF" and len(content) >= 20:
        system, machines = "Linux", ELF_MACHINES
        (machine,) = struct.unpack_from("<H", content, 18)
    elif content[:2] == b"MZ" and len(content) >= 64:
        (header,) = struct.unpack_from("<I", content, 60)
        if content[header : header + 4] == b"PE\0\0" and len(content) >= header + 6:
            system, machines = "Windows", PE_MACHINES
            (machine,) = struct.unpack_from("<H", content, header + 4)
    if machine not in machines:
        sys.exit(f"{name}: not a library for Windows or Linux on i386 or x86_64, or Linux on ARM64")
    if EXPORT not in content:
        sys.exit(f"{name}: not the component: it does not export {EXPORT.decode()}")
    return system, machines[machine]


def version():
    """Returns the version of the library that is built from these sources."""
    manifest = (HERE.parent.parent / "Cargo.toml").read_text(encoding="utf-8")
    package = manifest.split("[workspace.package]", 1)[1]
    return re.search(r'^version = "([^"]+)"', package, re.MULTILINE).group(1)


def add(archive, name, content):
    # A fixed time, so that builds are reproducible. ZIP cannot represent times before 1980.
    date = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "0")))[:6]
    entry = zipfile.ZipInfo(name, max(date, (1980, 1, 1, 0, 0, 0)))
    entry.compress_type = zipfile.ZIP_DEFLATED
    # Unix, so that the archive is the same on every system.
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    target, *names = sys.argv[1:]
    libraries = {}
    for name in names:
        content = pathlib.Path(name).read_bytes()
        found = platform(name, content)
        if found in libraries:
            sys.exit(f"{name}: another library is also for {found[0]} {found[1]}")
        libraries[found] = content

    manifest = (HERE / "MANIFEST.XML").read_text(encoding="utf-8")
    info = (HERE / "INFO.XML").read_text(encoding="utf-8")
    lines, files = [], {}
    for line in manifest.replace("@VERSION@", version().replace(".", "_")).splitlines():
        component = COMPONENT.fullmatch(line)
        if component:
            system, path, arch = component.groups()
            if (system, arch) not in libraries:
                continue
            files[path] = libraries[system, arch]
        lines.append(line)
    with zipfile.ZipFile(target, "w") as archive:
        add(archive, "MANIFEST.XML", "\n".join(lines) + "\n")
        add(archive, "INFO.XML", info.replace("@VERSION@", version()))
        for path, content in files.items():
            add(archive, path, content)


if __name__ == "__main__":
    main()
