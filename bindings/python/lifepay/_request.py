"""Code shared by the calls that send a request and wait for LifePay's answer."""

import ctypes
import json
from typing import Any, Dict, Mapping, Optional, Union

from ._arguments import Arguments, OnProgress
from ._call import call_with_progress, call_without_progress
from ._errors import error_of
from ._library import library
from ._results import RawResult, Result


def send_request(
    function: str, given: Dict[str, Any], on_progress: Optional[OnProgress]
) -> Result:
    """Calls the C function named `function`, which takes an lp_config, with the arguments
    `given`."""
    loaded = library()
    arguments = Arguments()
    config = arguments.config(loaded, given)
    arguments.check()
    raw = RawResult(loaded)
    call = getattr(loaded, function)
    returned, thrown = call_with_progress(
        lambda: int(call(ctypes.byref(config), raw.pointer())), config, on_progress
    )
    result = raw.take(returned)
    if thrown is not None:
        raise thrown from error_of(result)
    return result


def send_request_json(function: str, request: Union[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Calls the C function named `function`, which takes and returns JSON."""
    loaded = library()
    arguments = Arguments()
    text = arguments.json("request", request)
    arguments.check()
    call = getattr(loaded, function)
    answer = ctypes.c_void_p()
    try:
        returned = call_without_progress(lambda: int(call(text, ctypes.byref(answer))))
        if not answer.value:
            return {"code": returned}
        parsed: Dict[str, Any] = json.loads(ctypes.string_at(answer.value))
        return parsed
    finally:
        loaded.lp_string_free(answer)
