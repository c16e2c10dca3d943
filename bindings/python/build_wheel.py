"""Builds a wheel that contains the library, so that a till needs nothing but `pip install`.

    python3 build_wheel.py --library target/release/liblifepay.so
    python3 build_wheel.py --library win32/lifepay.dll --platform win32 --out dist

The wheel is for any Python 3.8 or later on that platform: lifepay-VERSION-py3-none-PLATFORM.whl. A
manylinux platform is refused if the library needs a newer glibc than that platform has. The build
is reproducible: the same sources, library, Python and build backend give the same bytes at any time
and place. Timestamps are SOURCE_DATE_EPOCH, or the first day that a zip file can represent. Prints
the path of the wheel.

Needs pip, which downloads the build backend that pyproject.toml names.
"""

import argparse
import base64
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Dict, List, NoReturn, Optional, Tuple

HERE = Path(__file__).resolve().parent
# 1980-01-01 and the end of 2107, the range of dates in zip files.
EARLIEST, LATEST = 315532800, 4354819198

ELF_MACHINES = {3: "i686", 40: "armv7l", 62: "x86_64", 183: "aarch64"}
PE_MACHINES = {0x014C: "win32", 0x8664: "win_amd64", 0xAA64: "win_arm64"}


def fail(message: str) -> NoReturn:
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


def machine_of(library: Path, what: str = "a shared library") -> Tuple[str, str]:
    """Returns the library's name in a wheel, and the end of the platform tags that it fits."""
    with library.open("rb") as file:
        head = file.read(0x1000)
    if head[:4] == b"\x7fELF" and len(head) >= 20:
        (number,) = struct.unpack_from("<H", head, 18)
        if number in ELF_MACHINES:
            return "liblifepay.so", ELF_MACHINES[number]
    if head[:2] == b"MZ" and len(head) >= 64:
        (start,) = struct.unpack_from("<I", head, 60)
        if head[start : start + 4] == b"PE\0\0" and len(head) >= start + 6:
            (number,) = struct.unpack_from("<H", head, start + 4)
            if number in PE_MACHINES:
                return "lifepay.dll", PE_MACHINES[number]
    fail(f"{library} is not {what} for Linux or Windows on a machine known here")


def check_platform(library: Path, machine: str, platform: str) -> None:
    windows = machine.startswith("win")
    linux = platform.startswith(("linux_", "manylinux", "musllinux"))
    fits = platform == machine if windows else linux and platform.endswith("_" + machine)
    if not fits:
        fail(f"{library} is for {machine}, not for {platform}")


# The glibc versions of platforms whose tags do not contain them.
GLIBC_OF = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


def glibc_of(platform: str) -> Optional[Tuple[int, int]]:
    """Returns the newest glibc that a library for this platform may need; None: any."""
    numbered = re.match(r"manylinux_(\d+)_(\d+)_", platform)
    if numbered:
        return int(numbered[1]), int(numbered[2])
    if platform.startswith("musllinux"):
        return 0, 0
    return GLIBC_OF.get(platform.split("_")[0])


def needed_glibc(library: Path) -> Tuple[int, int]:
    """Returns the newest glibc whose symbols an ELF library needs; (0, 0) if it needs none.

    The versions are in the section of type SHT_GNU_verneed: a list of libraries, each with a list
    of versions, whose names are in another section.
    """
    content = library.read_bytes()
    wide = content[4] == 2
    (sections,) = struct.unpack_from("<Q" if wide else "<I", content, 40 if wide else 32)
    size, count = struct.unpack_from("<HH", content, 58 if wide else 46)
    # type, offset, size, link, info
    layout = "<4xI16xQQII" if wide else "<4xI8xIIII"
    headers = [struct.unpack_from(layout, content, sections + size * n) for n in range(count)]
    newest = (0, 0)
    for kind, need, _, link, needs in headers:
        if kind != 0x6FFFFFFE:
            continue
        names = headers[link][1]
        for _ in range(needs):
            versions, version, next_need = struct.unpack_from("<2xH4xII", content, need)
            version += need
            for _ in range(versions):
                name, next_version = struct.unpack_from("<8xII", content, version)
                start = names + name
                text = content[start : content.index(b"\0", start)]
                found = re.fullmatch(rb"GLIBC_(\d+)\.(\d+)(\.\d+)?", text)
                if found:
                    newest = max(newest, (int(found[1]), int(found[2])))
                version += next_version
            need += next_need
    return newest


def check_glibc(library: Path, platform: str) -> None:
    allowed = glibc_of(platform)
    if allowed is None:
        return
    try:
        needed = needed_glibc(library)
    except (struct.error, IndexError, ValueError):
        fail(f"{library} is damaged: the versions of the symbols it needs cannot be read")
    if needed > allowed:
        has = f"has {allowed[0]}.{allowed[1]}" if allowed > (0, 0) else "has none"
        fail(
            f"{library} needs glibc {needed[0]}.{needed[1]}, and {platform} {has}:"
            " use a library built by `packaging`, or the platform of this machine"
        )


def timestamp() -> Tuple[int, int, int, int, int, int]:
    text = os.environ.get("SOURCE_DATE_EPOCH") or "0"
    if not text.isdigit():
        fail(f"SOURCE_DATE_EPOCH={text} is not a number of seconds")
    date = time.gmtime(min(max(int(text), EARLIEST), LATEST))
    return (date.tm_year, date.tm_mon, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec)


def pure_wheel(folder: Path) -> Path:
    """Lets the build backend build the wheel without the library. It builds a copy of the sources,
    because other files beside them do not belong in a release."""
    sources = folder / "sources"
    package = sources / "lifepay"
    package.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(HERE / name, sources)
    for file in sorted((HERE / "lifepay").iterdir()):
        if file.suffix == ".py" or file.name == "py.typed":
            shutil.copy(file, package)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--wheel-dir"]
    built = subprocess.run(command + [str(folder), str(sources)], check=False)
    wheels = list(folder.glob("*.whl"))
    if built.returncode != 0 or len(wheels) != 1:
        fail("pip could not build the wheel")
    return wheels[0]


def contents_of(wheel: Path) -> Dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name[-1] != "/"}


def retag(wheel_file: bytes, tag: str) -> bytes:
    """Returns the WHEEL file with the tag of one platform."""
    kept = [
        line
        for line in wheel_file.decode("utf-8").splitlines()
        if line and not line.startswith(("Tag:", "Root-Is-Purelib:"))
    ]
    return "\n".join([*kept, "Root-Is-Purelib: false", f"Tag: {tag}", ""]).encode("utf-8")


def record_of(contents: Dict[str, bytes], name: str) -> bytes:
    lines: List[str] = []
    for path, content in sorted(contents.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        lines.append(f"{path},sha256={digest.decode('ascii')},{len(content)}\n")
    return "".join([*lines, f"{name},,\n"]).encode("utf-8")


def write_wheel(path: Path, contents: Dict[str, bytes]) -> None:
    """Writes the files in a fixed order, with the dist-info last, as the format recommends."""
    date = timestamp()
    # The name ends in .whl only once the wheel is complete.
    unfinished = path.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w") as archive:
        for name in sorted(contents, key=lambda name: (".dist-info/" in name, name)):
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            mode = 0o755 if name.endswith((".so", ".dll")) or "/scripts/" in name else 0o644
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, contents[name], zipfile.ZIP_DEFLATED, 9)
    os.replace(unfinished, path)


def check_files(*files: Path) -> None:
    for file in files:
        if not file.is_file():
            fail(f"{file}: there is no such file")


def build(library: Path, platform: str, licences: List[Path], out: Path) -> Path:
    check_files(library, *licences)
    name, machine = machine_of(library)
    check_platform(library, machine, platform)
    check_glibc(library, platform)
    with tempfile.TemporaryDirectory() as scratch:
        pure = pure_wheel(Path(scratch))
        contents = contents_of(pure)
        stem = "-".join(pure.name.split("-")[:2])
    contents[f"lifepay/{name}"] = library.read_bytes()
    info = f"{stem}.dist-info"
    tag = f"py3-none-{platform}"
    contents[f"{info}/WHEEL"] = retag(contents[f"{info}/WHEEL"], tag)
    own = b"License-File: LICENSE\n"
    for file in licences:
        contents[f"{info}/licenses/{file.name}"] = file.read_bytes()
        named = own + f"License-File: {file.name}\n".encode("utf-8")
        contents[f"{info}/METADATA"] = contents[f"{info}/METADATA"].replace(own, named, 1)
    record = f"{info}/RECORD"
    del contents[record]
    contents[record] = record_of(contents, record)
    out.mkdir(parents=True, exist_ok=True)
    wheel = out / f"{stem}-{tag}.whl"
    write_wheel(wheel, contents)
    return wheel


def options(description: str) -> argparse.ArgumentParser:
    """Returns a parser with the options common to both kinds of wheel."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument(
        "--platform",
        default=sysconfig.get_platform(),
        type=lambda text: text.replace("-", "_").replace(".", "_"),
        help="platform tag: manylinux2014_x86_64, win32, win_amd64 ...; default: this machine's",
    )
    parser.add_argument(
        "--licences",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="licences of what the wheel carries, to be put into it",
    )
    parser.add_argument(
        "--out", type=Path, default=HERE / "dist", help="folder; default: dist beside this program"
    )
    return parser


def main(arguments: Optional[List[str]] = None) -> None:
    parser = options("Builds a wheel that carries the library.")
    parser.add_argument("--library", type=Path, required=True, help="liblifepay.so or lifepay.dll")
    given = parser.parse_args(arguments)
    print(build(given.library, given.platform, given.licences, given.out))


if __name__ == "__main__":
    main()
