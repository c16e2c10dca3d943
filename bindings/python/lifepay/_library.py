"""Finds and loads the shared library, once, at the first call that needs it."""

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
    """The library. CDLL, so that the GIL is released during each call.

    Raises LibraryNotFound, which says where it was looked for.
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
    looked: List[str] = []
    for path, where in _named(set_to) if set_to else _places():
        try:
            found = _open(path)
        except OSError as error:
            looked.append(f"{where}: {error}")
            continue
        missing = _declare(found)
        if not missing:
            return found
        looked.append(f"{where}: it has no {missing}; it is another library or too old")
    if not set_to:
        looked.insert(0, f"{VARIABLE}: not set")
    bits = ctypes.sizeof(ctypes.c_void_p) * 8
    lines = "".join(f"\n  {line}" for line in looked)
    raise LibraryNotFound(
        f"the lifepay library was not found. Set {VARIABLE} to its path, put it beside this package, "
        f"or where the system's loader looks. This Python needs one of {bits} bits. Looked at:{lines}"
    )


def _named(path: str) -> Iterator[Tuple[str, str]]:
    # Whoever names one wants that one and no other.
    yield os.path.abspath(path), f"{VARIABLE}={path}"


def _places() -> Iterator[Tuple[str, str]]:
    """What to open, and how an error speaks of it."""
    for name in _NAMES:
        beside = str(Path(__file__).resolve().with_name(name))
        yield beside, beside
    for name in _NAMES:
        yield name, f"{name} by the system's loader"


def _open(path: str) -> ctypes.CDLL:
    if sys.platform == "win32" and not os.path.isabs(path):
        # As LoadLibrary does: PATH counts too.
        return ctypes.CDLL(path, winmode=0)
    return ctypes.CDLL(path)


def _declare(loaded: ctypes.CDLL) -> Optional[str]:
    """Tells ctypes the functions' types. Returns the name of one that is missing."""
    for name, (result, arguments) in FUNCTIONS.items():
        try:
            function = getattr(loaded, name)
        except AttributeError:
            return name
        function.restype = result
        function.argtypes = arguments
    return None
