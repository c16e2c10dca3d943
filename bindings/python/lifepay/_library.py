"""Finds and loads the shared library once, at the first call that needs it."""

import ctypes
import os
import sys
import threading
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

from . import _log
from ._errors import LibraryNotFound
from ._structs import FUNCTIONS

VARIABLE = "LIFEPAY_LIBRARY"

if sys.platform == "win32":
    _NAMES = ["lifepay.dll"]
elif sys.platform == "darwin":
    _NAMES = ["liblifepay.dylib"]
else:
    _NAMES = ["liblifepay.so", "liblifepay.so.0"]

_lock = threading.Lock()
_library: Optional[ctypes.CDLL] = None


def library() -> ctypes.CDLL:
    """Returns the library. It is a CDLL, so that the GIL is released during each call.

    Raises LibraryNotFound, which lists the places that were tried.
    """
    global _library
    if _library is None:
        with _lock:
            if _library is None:
                loaded = _load()
                _log.attach(loaded)
                _library = loaded
    return _library


def _load() -> ctypes.CDLL:
    set_to = os.environ.get(VARIABLE)
    failures: List[str] = []
    for path, where in _named(set_to) if set_to else _places():
        try:
            found = _open(path)
        except OSError as error:
            failures.append(f"{where}: {error}")
            continue
        missing = _declare(found)
        if not missing:
            return found
        failures.append(f"{where}: it has no {missing}; it is another library or too old")
    if not set_to:
        failures.insert(0, f"{VARIABLE}: not set")
    bits = ctypes.sizeof(ctypes.c_void_p) * 8
    lines = "".join(f"\n  {line}" for line in failures)
    raise LibraryNotFound(
        f"the lifepay library was not found. Set {VARIABLE} to its path, or put it beside this package "
        f"or into a folder that the system's loader searches. This Python needs a {bits}-bit library. "
        f"Tried:{lines}"
    )


def _named(path: str) -> Iterator[Tuple[str, str]]:
    # If the variable is set, no other place is tried.
    yield os.path.abspath(path), f"{VARIABLE}={path}"


def _places() -> Iterator[Tuple[str, str]]:
    """Yields the names to open, each with its description for an error message."""
    for name in _NAMES:
        beside = str(Path(__file__).resolve().with_name(name))
        yield beside, beside
    for name in _NAMES:
        yield name, f"{name} by the system's loader"


def _open(path: str) -> ctypes.CDLL:
    if sys.platform == "win32" and not os.path.isabs(path):
        # Searches as LoadLibrary does, including PATH.
        return ctypes.CDLL(path, winmode=0)
    return ctypes.CDLL(path)


def _declare(loaded: ctypes.CDLL) -> Optional[str]:
    """Declares the functions' types to ctypes. Returns the name of a missing function, if any."""
    for name, (result, arguments) in FUNCTIONS.items():
        try:
            function = getattr(loaded, name)
        except AttributeError:
            return name
        function.restype = result
        function.argtypes = arguments
    return None
