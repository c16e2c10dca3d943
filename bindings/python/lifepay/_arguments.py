"""Python's values on their way into C: what C cannot be told is refused, and named."""

import ctypes
import json
import os
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Union

from ._constants import FOREVER
from ._results import FieldError, Progress
from ._structs import lp_config

PathArgument = Union[str, "os.PathLike[str]"]
OnProgress = Callable[[Progress], Optional[bool]]
Json = Union[str, Mapping[str, Any], List[Any]]

_TEXTS = (
    "apikey",
    "login",
    "cashier_name",
    "cashier_inn",
    "target_serial",
    "ext_id",
    "callback_url",
    "callback_data",
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


class Arguments:
    """Converts arguments, and collects what is wrong with their values.

    A wrong type is a TypeError at once, as everywhere in Python.
    """

    def __init__(self) -> None:
        self.errors: List[FieldError] = []

    def check(self) -> None:
        """Raises InvalidArgument with all that is wrong."""
        if self.errors:
            from ._errors import refuse

            refuse(self.errors)

    def text(self, field: str, value: Optional[str]) -> Optional[bytes]:
        if value is None:
            return None
        if not isinstance(value, str):
            raise TypeError(f"{field} must be str, not {type(value).__name__}")
        if "\0" in value:
            self.errors.append(FieldError(field, "содержит нулевой символ"))
            return None
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError as error:
            # Not `raise ... from`: the error would show the value, which may be the apikey.
            message = f"не Юникод: символ {error.start + 1} не целый, это половина суррогатной пары"
            self.errors.append(FieldError(field, message))
            return None

    def path(self, field: str, value: Optional[PathArgument]) -> Optional[bytes]:
        if value is None:
            return None
        text = os.fspath(value)
        return self.text(field, text)

    def number(self, field: str, value: Optional[int], least: int = 0) -> int:
        if value is None:
            return 0
        if not isinstance(value, int):
            raise TypeError(f"{field} must be int, not {type(value).__name__}")
        if not least <= value <= FOREVER:
            self.errors.append(FieldError(field, f"не в пределах от {least} до {FOREVER}"))
            return 0
        return int(value)

    def json(self, field: str, value: Optional[Json]) -> Optional[bytes]:
        if value is None or isinstance(value, str):
            return self.text(field, value)
        return self.text(field, json.dumps(value, ensure_ascii=True))

    def config(self, library: ctypes.CDLL, given: Dict[str, Any]) -> lp_config:
        """An lp_config with what was given; it keeps the strings alive."""
        config = lp_config()
        library.lp_config_init(config, ctypes.sizeof(config))
        config.test = 1 if given.get("test") else 0
        for field in _TEXTS:
            setattr(config, field, self.text(field, given.get(field)))
        config.callback_data_json = self.json("callback_data_json", given.get("callback_data_json"))
        config.ca_file = self.path("ca_file", given.get("ca_file"))
        trust = int(given.get("trust") or 0)
        if -0x80000000 <= trust <= 0x7FFFFFFF:
            config.trust = trust
        else:
            self.errors.append(FieldError("trust", "неизвестное значение"))
        for field in _NUMBERS:
            setattr(config, field, self.number(field, given.get(field)))
        self._delays(config, given.get("retry_delays_ms"))
        return config

    def _delays(self, config: lp_config, delays: Optional[Iterable[int]]) -> None:
        numbers = [self.number("retry_delays_ms", delay) for delay in delays or ()]
        if numbers:
            # Assigned to a pointer, the array is kept by the struct.
            config.retry_delays_ms = (ctypes.c_uint32 * len(numbers))(*numbers)
            config.retry_delay_count = len(numbers)
