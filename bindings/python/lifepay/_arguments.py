"""Converts Python's values for C. A value that C cannot represent is an error of its field."""

import ctypes
import os
from collections.abc import Mapping as AnyMapping
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Union

from ._constants import FOREVER, Trust
from ._json import NotJson, write
from ._results import FieldError, Progress
from ._structs import lp_config

PathArgument = Union[str, "os.PathLike[str]"]
OnProgress = Callable[[Progress], Optional[bool]]
Json = Union[str, Mapping[str, Any], List[Any]]
DocumentArgument = Union[str, Mapping[str, Any]]

_TEXTS = (
    "apikey",
    "login",
    "cashier_name",
    "cashier_inn",
    "target_serial",
    "ext_id",
    "callback_url",
    "callback_data",
    "path",
    "base_url",
    "proxy",
)
_NUMBERS = (
    "connect_timeout_ms",
    "timeout_ms",
    "retry_for_ms",
    "expires_after_ms",
    "concurrency",
    "keep_days",
)


def wrong_type(field: str, expected: str, value: object) -> TypeError:
    """Returns a TypeError that names the type, but not the value, which may be the apikey."""
    return TypeError(f"{field} must be {expected}, not {type(value).__name__}")


class Arguments:
    """Converts arguments, and collects the errors in their values.

    A wrong type raises a TypeError at once, as everywhere in Python.
    """

    def __init__(self) -> None:
        self.errors: List[FieldError] = []

    def check(self) -> None:
        """Raises InvalidArgument with all collected errors, if there are any."""
        if self.errors:
            from ._errors import refuse

            refuse(self.errors)

    def text(self, field: str, value: Optional[str]) -> Optional[bytes]:
        if value is None:
            return None
        if not isinstance(value, str):
            raise wrong_type(field, "str", value)
        if "\0" in value:
            self.errors.append(FieldError(field, "содержит нулевой символ"))
            return None
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError as error:
            # The error is not chained: it would show the value, which may be the apikey.
            message = f"не Юникод: символ {error.start + 1} не целый, это половина суррогатной пары"
            self.errors.append(FieldError(field, message))
            return None

    def path(self, field: str, value: Optional[PathArgument]) -> Optional[bytes]:
        if value is None:
            return None
        if not isinstance(value, (str, os.PathLike)):
            raise wrong_type(field, "str or os.PathLike", value)
        return self.text(field, os.fspath(value))

    def number(self, field: str, value: Optional[int], least: int = 0, most: int = FOREVER) -> int:
        return 0 if value is None else self.integer(field, value, least, most)

    def integer(self, field: str, value: int, least: int, most: int) -> int:
        """Converts a number that must be given."""
        # True is an int in Python.
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type(field, "int", value)
        if not least <= value <= most:
            self.errors.append(FieldError(field, f"{value}, а допустимо от {least} до {most}"))
            return 0
        return int(value)

    def flag(self, field: str, value: Optional[bool]) -> int:
        """Converts a bool, 0, 1 or None. Other values are errors: one that Python considers true
        would silently choose the test mode."""
        if isinstance(value, bool):
            return int(value)
        if value is not None and not isinstance(value, int):
            raise wrong_type(field, "bool", value)
        return self.number(field, value, most=1)

    def json(self, field: str, value: Optional[Json]) -> Optional[bytes]:
        if value is None or isinstance(value, str):
            return self.text(field, value)
        if not isinstance(value, (AnyMapping, list, tuple)):
            raise wrong_type(field, "str, dict or list", value)
        return self._written(field, field, value)

    def document(self, value: Optional[DocumentArgument]) -> Optional[bytes]:
        """Converts the argument `document`, which is document_json in lp_config."""
        if value is None or isinstance(value, str):
            return self.text("document_json", value)
        if not isinstance(value, AnyMapping):
            raise wrong_type("document", "str or dict", value)
        return self._written("document", "document_json", value)

    def _written(self, argument: str, field: str, value: Any) -> Optional[bytes]:
        try:
            return self.text(field, write(value))
        except TypeError as error:
            raise TypeError(f"{argument}: {error}") from None
        except NotJson as error:
            self.errors.append(FieldError(field, str(error)))
            return None

    def config(self, library: ctypes.CDLL, given: Dict[str, Any]) -> lp_config:
        """Returns an lp_config with the given arguments; it keeps the strings alive."""
        config = lp_config()
        library.lp_config_init(config, ctypes.sizeof(config))
        config.test = self.flag("test", given.get("test"))
        for field in _TEXTS:
            setattr(config, field, self.text(field, given.get(field)))
        config.callback_data_json = self.json("callback_data_json", given.get("callback_data_json"))
        config.document_json = self.document(given.get("document"))
        config.ca_file = self.path("ca_file", given.get("ca_file"))
        config.trust = self.number("trust", given.get("trust"), most=int(max(Trust)))
        for field in _NUMBERS:
            setattr(config, field, self.number(field, given.get(field)))
        self._delays(config, given.get("retry_delays_ms"))
        return config

    def _delays(self, config: lp_config, delays: Optional[Iterable[int]]) -> None:
        if delays is None:
            return
        # bytes are a sequence of numbers, and a dict's keys may be numbers. Neither is a list of
        # delays.
        if isinstance(delays, (str, bytes, bytearray, AnyMapping)) or not hasattr(delays, "__iter__"):
            raise wrong_type("retry_delays_ms", "a sequence of int", delays)
        numbers = [self.integer("retry_delays_ms", delay, 0, FOREVER) for delay in delays]
        if numbers:
            # ctypes keeps an array alive that is assigned to a pointer field.
            config.retry_delays_ms = (ctypes.c_uint32 * len(numbers))(*numbers)
            config.retry_delay_count = len(numbers)
