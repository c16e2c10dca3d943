"""Where the package searches for the library, and the error if it is not found."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import lifepay

LIBRARY = os.environ.get("LIFEPAY_LIBRARY", "")
NAME = "lifepay.dll" if sys.platform == "win32" else "liblifepay.so"
PROGRAM = """
import sys
sys.path.insert(0, {package!r})
import lifepay
assert lifepay.__file__.startswith({package!r}), lifepay.__file__
try:
    print(lifepay.version())
except lifepay.LibraryNotFound as error:
    print(error)
"""

needs_library = pytest.mark.skipif(not LIBRARY, reason="LIFEPAY_LIBRARY is not set")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package, where a test can add a library."""
    folder = tmp_path / "site"
    shutil.copytree(
        str(Path(lifepay.__file__).parent),
        str(folder / "lifepay"),
        ignore=shutil.ignore_patterns("__pycache__", "*.so*", "*.dll"),
    )
    return folder


def test_the_package_says_where_it_looked(package: Path, run: Any) -> None:
    output = run(PROGRAM.format(package=str(package)), LIFEPAY_LIBRARY="").stdout
    lines = output.splitlines()
    assert "LIFEPAY_LIBRARY" in lines[0]
    assert f"{64 if sys.maxsize > 2**32 else 32}-bit" in lines[0]
    assert lines[1] == "  LIFEPAY_LIBRARY: not set"
    assert lines[2].startswith(f"  {package / 'lifepay' / NAME}: ")
    assert any(line.startswith(f"  {NAME} by the system's loader: ") for line in lines)


def test_importing_needs_no_library(package: Path, run: Any) -> None:
    program = f"import sys; sys.path.insert(0, {str(package)!r}); import lifepay; print('imported')"
    assert run(program, LIFEPAY_LIBRARY="/none").stdout == "imported\n"


@needs_library
def test_the_library_is_found_beside_the_package(package: Path, run: Any) -> None:
    # A link instead of a copy, because the library is large.
    os.symlink(LIBRARY, str(package / "lifepay" / NAME))
    output = run(PROGRAM.format(package=str(package)), LIFEPAY_LIBRARY="").stdout
    assert output == f"{lifepay.__version__}\n"


@needs_library
def test_the_library_is_found_by_the_systems_loader(package: Path, run: Any) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("LD_LIBRARY_PATH exists on Linux only")
    folder = package / "libraries"
    folder.mkdir()
    for name in ("liblifepay.so.0", "liblifepay.so"):
        link = folder / name
        os.symlink(LIBRARY, str(link))
        output = run(
            PROGRAM.format(package=str(package)), LIFEPAY_LIBRARY="", LD_LIBRARY_PATH=str(folder)
        ).stdout
        assert output == f"{lifepay.__version__}\n"
        link.unlink()


@needs_library
def test_the_variable_may_be_a_relative_path(package: Path, run: Any) -> None:
    relative = os.path.relpath(LIBRARY)
    output = run(PROGRAM.format(package=str(package)), LIFEPAY_LIBRARY=relative).stdout
    assert output == f"{lifepay.__version__}\n"


@needs_library
def test_where_the_variable_says_comes_before_all_else(package: Path, run: Any) -> None:
    os.symlink(LIBRARY, str(package / "lifepay" / NAME))
    wrong = str(package / "none.so")
    output = run(PROGRAM.format(package=str(package)), LIFEPAY_LIBRARY=wrong).stdout
    assert f"\n  LIFEPAY_LIBRARY={wrong}: " in output
    assert len(output.splitlines()) == 2


def test_another_library_is_refused(package: Path, run: Any) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("the loaded libraries are listed on Linux only")
    maps = Path("/proc/self/maps").read_text().split()
    path = next(word for word in maps if "/libc.so" in word or "/libc-" in word)
    output = run(PROGRAM.format(package=str(package)), LIFEPAY_LIBRARY=path).stdout
    assert "it has no lp_config_init; it is another library or too old" in output
