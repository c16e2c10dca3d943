"""Writes Python's values as JSON. Unlike json.dumps it writes a Decimal with its digits unchanged,
because Decimal is the type for money."""

import json
from collections.abc import Mapping as AnyMapping
from decimal import Decimal
from typing import Any


class NotJson(ValueError):
    """A value of the right type that JSON cannot represent. The message, in Russian, does not quote
    the value, which may contain the apikey."""


def write(value: Any) -> str:
    """Returns a value as JSON. Raises TypeError for a type that JSON does not have, and NotJson for
    a value that it cannot represent."""
    try:
        return _write(value)
    except RecursionError:
        raise NotJson("вложенность слишком велика, или значение содержит само себя") from None


def _write(value: Any) -> str:
    if isinstance(value, AnyMapping):
        members = (f"{_key(key)}: {_write(member)}" for key, member in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_write(element) for element in value) + "]"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise NotJson("бесконечность и NaN: таких чисел в JSON нет")
        return Decimal.__str__(value)
    if value is None or isinstance(value, (str, int, float)):
        return _simple(value)
    raise TypeError(f"JSON has no {type(value).__name__}")


def _simple(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        if isinstance(value, float):
            raise NotJson("бесконечность и NaN: таких чисел в JSON нет") from None
        # Python refuses to convert an int with thousands of digits.
        raise NotJson("слишком длинное число") from None


def _key(key: Any) -> str:
    """Returns a key as json.dumps writes it: a number becomes a string."""
    if isinstance(key, str):
        return _simple(key)
    if key is None or isinstance(key, (int, float)):
        return _simple(_simple(key))
    raise TypeError(f"a key of JSON must be str, not {type(key).__name__}")
