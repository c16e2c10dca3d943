"""Builds the sandbox's wheel, which the extra `sandbox` of the package lifepay installs. It
contains one program, lifepay-sandbox, and no module.

    python3 build_sandbox_wheel.py --program target/release/lifepay-sandbox

As with build_wheel.py, the wheel is for any Python 3.8 or later on its platform, the platform is
checked against the program, and the build is reproducible. Prints the path of the wheel.
"""

from pathlib import Path
from typing import Dict, List, Optional

from build_wheel import (
    HERE,
    check_files,
    check_glibc,
    check_platform,
    machine_of,
    options,
    record_of,
    write_wheel,
)


def version() -> str:
    """Returns the package's version, because both are released together."""
    names: Dict[str, str] = {}
    exec((HERE / "lifepay/_version.py").read_text(encoding="utf-8"), names)
    return names["__version__"]


METADATA = """Metadata-Version: 2.4
Name: lifepay-sandbox
Version: {version}
Summary: A small server that simulates LifePay's cloud fiscalisation, for testing tills
License-Expression: MIT
{licences}
Requires-Python: >=3.8
Classifier: Intended Audience :: Developers
Classifier: Operating System :: Microsoft :: Windows
Classifier: Operating System :: POSIX :: Linux
Description-Content-Type: text/markdown

The program `lifepay-sandbox`, which simulates LifePay: `pip install lifepay[sandbox]` installs it
beside the package `lifepay`. `lifepay-sandbox --open` shows its page in a browser, `lifepay-sandbox --help`
describes its options, both in Russian.
"""


def contents_of(program: Path, licences: List[Path], tag: str) -> Dict[str, bytes]:
    stem = f"lifepay_sandbox-{version()}"
    info = f"{stem}.dist-info"
    name = "lifepay-sandbox.exe" if "-win" in tag else "lifepay-sandbox"
    lines = "\n".join(f"License-File: {file.name}" for file in licences)
    wheel = f"Wheel-Version: 1.0\nGenerator: lifepay\nRoot-Is-Purelib: false\nTag: {tag}\n"
    contents = {
        f"{stem}.data/scripts/{name}": program.read_bytes(),
        f"{info}/METADATA": METADATA.format(version=version(), licences=lines).encode("utf-8"),
        f"{info}/WHEEL": wheel.encode("utf-8"),
    }
    for file in licences:
        contents[f"{info}/licenses/{file.name}"] = file.read_bytes()
    record = f"{info}/RECORD"
    contents[record] = record_of(contents, record)
    return contents


def build(program: Path, platform: str, licences: List[Path], out: Path) -> Path:
    check_files(program, *licences)
    _, machine = machine_of(program, "a program")
    check_platform(program, machine, platform)
    check_glibc(program, platform)
    tag = f"py3-none-{platform}"
    out.mkdir(parents=True, exist_ok=True)
    wheel = out / f"lifepay_sandbox-{version()}-{tag}.whl"
    write_wheel(wheel, contents_of(program, [HERE / "LICENSE", *licences], tag))
    return wheel


def main(arguments: Optional[List[str]] = None) -> None:
    parser = options("Builds the wheel of the sandbox.")
    parser.add_argument(
        "--program", type=Path, required=True, help="lifepay-sandbox or lifepay-sandbox.exe"
    )
    given = parser.parse_args(arguments)
    print(build(given.program, given.platform, given.licences, given.out))


if __name__ == "__main__":
    main()
