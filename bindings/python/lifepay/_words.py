"""Names and texts of codes, versions, generating an ext_id, and log settings."""

import ctypes
from typing import Optional, Union

from . import _log
from ._arguments import Arguments, PathArgument
from ._constants import LP_ERR_ARGUMENT, LP_OK, LogLevel, Outcome
from ._library import library


def code_name(code: int) -> str:
    """Returns the name of a code for logs, such as "LP_ERR_TIMEOUT"; "UNKNOWN" for a code without
    one."""
    return _static(library().lp_code_name(_int32("code", code)))


def code_text(code: int) -> str:
    """Returns a Russian sentence about a code, for a cashier."""
    return _static(library().lp_code_text(_int32("code", code)))


def version() -> str:
    """Returns the library's version, such as "0.1.0". The package's is ``lifepay.__version__``."""
    return _static(library().lp_version())


def version_number() -> int:
    """Returns the library's version as a number, major * 10000 + minor * 100 + patch."""
    return int(library().lp_version_number())


def ext_id_new() -> str:
    """Generates an ext_id, a random UUID. Store it, then send with it: then a retry is safe even
    after a crash."""
    buffer = ctypes.create_string_buffer(64)
    check(library().lp_ext_id_new(buffer, len(buffer)))
    return buffer.value.decode("ascii")


def set_log_level(level: Union[LogLevel, int]) -> None:
    """Sets the most verbose level of lines that the library passes to the logger "lifepay". The
    logger's own level applies as well.

    Default: LogLevel.DEBUG. LogLevel.TRACE adds the bodies sent and received, as records of level
    5. LogLevel.OFF passes no lines.

    Waits for running log handlers: do not hold a lock that a handler takes.
    """
    _log.set_level(LogLevel(level))


def log_to_file(
    path: Optional[PathArgument], level: Union[LogLevel, int] = LogLevel.INFO, max_bytes: int = 0
) -> None:
    """Also writes the log to a file, which replaces the previous one. None: no file.

    level
        The most verbose level to write.
    max_bytes
        The size at which the file is renamed to ``path + ".old"`` and a new one is started. 0: 10
        MiB.

    Raises InvalidArgument if the file cannot be written; then the previous file stays in use.
    """
    arguments = Arguments()
    file = arguments.path("path", path)
    size = arguments.number("max_bytes", max_bytes)
    arguments.check()
    code = library().lp_log_to_file(file, int(LogLevel(level)), size)
    # In a log handler the library refuses the call. Otherwise only the path can be wrong here.
    if code == LP_ERR_ARGUMENT and not _log.is_handling():
        from ._errors import InvalidArgument
        from ._results import FieldError, Result

        raise InvalidArgument(
            Result(
                code=code,
                outcome=Outcome.NONE,
                message="В файл журнала нельзя писать. Проверьте путь и права на файл и папку.",
                errors=(FieldError("path", "в файл нельзя писать"),),
            )
        )
    check(code)


def check(code: int) -> None:
    """Raises an exception if a call that returns only a code failed."""
    if code != LP_OK:
        from ._errors import error_of
        from ._results import Result

        raise error_of(Result(code=code, outcome=Outcome.NONE, message=code_text(code)))


def _int32(field: str, value: int) -> int:
    """Checks the range of a code. C would truncate a larger number to another code."""
    arguments = Arguments()
    number = arguments.integer(field, value, -(2**31), 2**31 - 1)
    arguments.check()
    return number


def _static(text: bytes) -> str:
    return text.decode("utf-8", "replace")
