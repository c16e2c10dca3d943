"""Opening a shift."""

from typing import Any, Dict, Iterable, Mapping, Optional, Union

from ._arguments import Json, OnProgress, PathArgument
from ._constants import Trust
from ._request import send_request, send_request_json
from ._results import Shift


def open_shift(
    *,
    apikey: str,
    login: str,
    test: bool = False,
    cashier_name: Optional[str] = None,
    cashier_inn: Optional[str] = None,
    target_serial: Optional[str] = None,
    ext_id: Optional[str] = None,
    callback_url: Optional[str] = None,
    callback_data: Optional[str] = None,
    callback_data_json: Optional[Json] = None,
    base_url: Optional[str] = None,
    proxy: Optional[str] = None,
    ca_file: Optional[PathArgument] = None,
    trust: Union[Trust, int] = Trust.DEFAULT,
    connect_timeout_ms: Optional[int] = None,
    timeout_ms: Optional[int] = None,
    retry_for_ms: int = 0,
    retry_delays_ms: Optional[Iterable[int]] = None,
    on_progress: Optional[OnProgress] = None,
) -> Shift:
    """Opens a shift: checks the request, sends it, and says what came of it.

    Blocks until LifePay has answered, the time limits or retry_for_ms are over, or on_progress stops
    it; other threads run on. Ctrl-C in the main thread stops it within a second.

    apikey
        The company's API key in LifePay. It appears in no log line, message or reply.
    login
        Login of the company's or the shop's administrator in LifePay, as a rule a phone number
        7xxxxxxxxxx. If it is a shop's with a printer of its own, the document goes to that.
    test
        True or 1: test mode, nothing is fiscalised and LifePay gives no uuid. Anything but a bool, 0,
        1 and None is an error.
    cashier_name, cashier_inn
        The cashier's.
    target_serial
        Serial number of the fiscal printer; not given: LifePay takes one of the active ones.
    ext_id
        At most 50 characters. Your own identifier of this request. LifePay opens no second shift for
        the same ext_id, which is what makes a repeat safe: store it before you send, and repeat
        with the same one. Not given: a UUID is made and returned. See ext_id_new.
    callback_url
        At most 255 characters. URL to which LifePay reports what became of the document.
    callback_data
        A string that LifePay sends back to callback_url.
    callback_data_json
        In place of callback_data: a dict or a list, or the text of a JSON object or array.
    base_url
        Not given: https://sapi.life-pay.ru. Plain http only to this machine, for the sandbox.
    proxy
        http://user:password@host:port, or "none": no proxy. Not given: the environment's and, on
        Windows, the system's static setting.
    ca_file
        A PEM file of root certificates that are trusted besides those of trust.
    trust
        Whose certificates are trusted. Verification cannot be turned off.
    connect_timeout_ms
        Of one attempt: name resolution, connect, proxy and TLS. Default: 10000.
    timeout_ms
        Of one attempt, all of it. Default: 30000.
    retry_for_ms
        0: one attempt. Otherwise attempts are made until LifePay has answered or this time has
        passed. FOREVER: no limit.
    retry_delays_ms
        The pauses between attempts, the last one repeating. Default: LifePay's timetable, 1, 3 and 5
        minutes, then every 10. A longer Retry-After of the server is honoured.
    on_progress
        Called on your thread with a Progress after each failed attempt and about five times a second
        at all other times. A false value (False, 0, "") stops the call within a second; a true one
        and None, which a function without return returns, do not. In lifepay.h it is the other way
        round: there 0 goes on. An exception stops the call too, and is raised when it has stopped;
        its ``__cause__`` is the LifePayError that says what became of the request.

    Returns the accepted request, which is not yet an open shift: see Shift.

    Raises InvalidArgument, Rejected, NotSent or OutcomeUnknown, which are LifePayError; TypeError for
    an argument of the wrong type; LibraryNotFound if there is no library.
    """
    return send_request("lp_open_shift", dict(locals()), on_progress).shift()


def open_shift_json(request: Union[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Opens a shift that is described in JSON, for settings kept in a file.

    request: the text of a JSON object, or what json.dumps makes one of. Its keys are open_shift's;
    an unknown one is an error.

    Returns the answer as a dict with every field of lp_result: see "code". A code that is
    not 0 is not raised; InvalidArgument is, for a text that C cannot be told. There is no on_progress:
    a call with retry_for_ms cannot be stopped before it ends.
    """
    return send_request_json("lp_open_shift_json", request)
