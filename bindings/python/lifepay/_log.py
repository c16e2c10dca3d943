"""The library's log goes to the logger "lifepay", and stops when the interpreter ends."""

import atexit
import ctypes
import logging
import threading
from typing import Any, Optional

from ._constants import LogLevel
from ._structs import LogFunction

logger = logging.getLogger("lifepay")
# A library says nothing unless the program has set up logging.
logger.addHandler(logging.NullHandler())

LEVELS = {
    1: logging.ERROR,
    2: logging.WARNING,
    3: logging.INFO,
    4: logging.DEBUG,
    5: 5,
}

_lock = threading.Lock()
_telling = threading.local()
_library: Optional[ctypes.CDLL] = None
_level = LogLevel.DEBUG
_ended = False


def _tell(level: int, message: bytes, _user_data: Any) -> None:
    # What a filter raises here has no caller: ctypes hands it to sys.unraisablehook.
    number = LEVELS.get(level, logging.DEBUG)
    if not logger.isEnabledFor(number):
        return
    _telling.now = True
    try:
        logger.log(number, "%s", message.decode("utf-8", "replace"))
    finally:
        _telling.now = False


_callback = LogFunction(_tell)
_none = LogFunction()


def attach(library: ctypes.CDLL) -> None:
    """Begins to take the log of a library that has just been loaded."""
    global _library
    with _lock:
        if _library is None:
            # Before the interpreter comes down: its threads may not call into it any more then.
            atexit.register(_end)
        _library = library
        _apply()


def is_telling() -> bool:
    """Whether this thread is handling a record of the log."""
    return getattr(_telling, "now", False)


def set_level(level: LogLevel) -> None:
    global _level
    if is_telling():
        # The library would wait for this very handler.
        raise RuntimeError("the level cannot be set while a record of the log is handled")
    with _lock:
        _level = level
        if _library is not None:
            _apply()


def _apply() -> None:
    # Returns when the callback before runs nowhere any more.
    if not _ended and _library is not None:
        _library.lp_set_log(_callback if _level else _none, None, int(_level))


def _end() -> None:
    global _ended
    with _lock:
        _ended = True
        if _library is not None:
            _library.lp_set_log(_none, None, int(LogLevel.OFF))
