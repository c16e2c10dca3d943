"""Passes the library's log to the logger "lifepay" until the interpreter ends."""

import atexit
import ctypes
import logging
import threading
from typing import Any, Optional

from ._constants import LogLevel
from ._structs import LogFunction

logger = logging.getLogger("lifepay")
# A library must log nothing unless the program has configured logging.
logger.addHandler(logging.NullHandler())

LEVELS = {
    1: logging.ERROR,
    2: logging.WARNING,
    3: logging.INFO,
    4: logging.DEBUG,
    5: 5,
}

_lock = threading.Lock()
_handling = threading.local()
_library: Optional[ctypes.CDLL] = None
_level = LogLevel.DEBUG
_ended = False


def _write(level: int, message: bytes, _user_data: Any) -> None:
    # An exception of a filter has no caller here: ctypes passes it to sys.unraisablehook.
    number = LEVELS.get(level, logging.DEBUG)
    if not logger.isEnabledFor(number):
        return
    _handling.now = True
    try:
        logger.log(number, "%s", message.decode("utf-8", "replace"))
    finally:
        _handling.now = False


_callback = LogFunction(_write)
_none = LogFunction()


def attach(library: ctypes.CDLL) -> None:
    """Sets the log callback of a library that has just been loaded."""
    global _library
    with _lock:
        if _library is None:
            # Removes the callback before the interpreter shuts down: after that the library's
            # threads must not call it.
            atexit.register(_end)
        _library = library
        _apply()


def is_handling() -> bool:
    """Whether this thread is handling a record of the log."""
    return getattr(_handling, "now", False)


def set_level(level: LogLevel) -> None:
    global _level
    if is_handling():
        # The library would wait for this handler to return.
        raise RuntimeError("the level cannot be set while a record of the log is handled")
    with _lock:
        _level = level
        if _library is not None:
            _apply()


def _apply() -> None:
    # lp_set_log returns once no thread is inside the previous callback.
    if not _ended and _library is not None:
        _library.lp_set_log(_callback if _level else _none, None, int(_level))


def _end() -> None:
    global _ended
    with _lock:
        _ended = True
        if _library is not None:
            _library.lp_set_log(_none, None, int(LogLevel.OFF))
