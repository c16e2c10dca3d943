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
    """Opens a shift and waits for LifePay's answer.

    Blocks until LifePay answers, a time limit or retry_for_ms expires, or on_progress stops the
    call. Other threads run meanwhile. Ctrl-C in the main thread stops the call within a second.

    apikey
        Required. The company's API key in LifePay. It never appears in a log line, a message or a
        reply.
    login
        Required. Login of the company's or the shop's administrator in LifePay, usually a phone
        number 7xxxxxxxxxx. If it is a shop's with its own printer, the document goes to that
        printer.
    test
        True or 1: test mode; nothing is fiscalised, and LifePay returns no uuid. Anything but a
        bool, 0, 1 and None is an error.
    cashier_name, cashier_inn
        The cashier's name and INN (taxpayer number).
    target_serial
        Serial number of the fiscal printer. Not given: LifePay picks one of the active printers.
    ext_id
        At most 50 characters. Your own identifier of this request. LifePay opens no second shift
        for the same ext_id, so a retry with it is safe: store it before you send, and retry with
        the same one. Not given: the library generates a UUID and returns it. See ext_id_new.
    callback_url
        At most 255 characters. URL to which LifePay reports the document's status.
    callback_data
        A string that LifePay sends back to callback_url.
    callback_data_json
        Instead of callback_data: a dict or a list, or the text of a JSON object or array.
    base_url
        Default: https://sapi.life-pay.ru. Plain http is accepted for this machine only, for the
        sandbox.
    proxy
        http://user:password@host:port, or "none": no proxy. Default: the environment's proxy and,
        on Windows, the system's static setting.
    ca_file
        Path of a PEM file with root certificates to trust in addition to those of trust.
    trust
        Root certificates to trust. Verification cannot be turned off.
    connect_timeout_ms
        Time limit of one attempt for resolving the host name, connecting, proxy and TLS. Default:
        10000.
    timeout_ms
        Time limit of one attempt as a whole. Default: 30000.
    retry_for_ms
        0: one attempt. Otherwise the library retries until LifePay answers or this time has passed.
        FOREVER: no limit.
    retry_delays_ms
        Pauses between attempts; the last one repeats. Default: LifePay's schedule of 1, 3 and 5
        minutes, then every 10 minutes. If the server's Retry-After is longer, it is used instead.
    on_progress
        Called on your thread with a Progress after each failed attempt and otherwise about five
        times a second. A false return value (False, 0, "") stops the call within a second; a true
        value and None, which a function without a return statement returns, do not. In lifepay.h it
        is the opposite: 0 continues. An exception stops the call too, and is raised once the call
        has stopped. Its ``__cause__`` is the LifePayError whose ``outcome`` says whether LifePay
        may have the request.

    Returns the accepted request. The shift may not be open yet: see Shift.

    Raises InvalidArgument, Rejected, NotSent or OutcomeUnknown, which are subclasses of
    LifePayError; TypeError for an argument of the wrong type; LibraryNotFound if the library cannot
    be loaded.
    """
    return send_request("lp_open_shift", dict(locals()), on_progress).shift()


def open_shift_json(request: Union[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Opens a shift that is described in JSON, for example for settings kept in a file.

    request
        The text of a JSON object, or a dict. Its keys are the arguments of open_shift, except
        on_progress; an unknown key is an error. A call with retry_for_ms cannot be stopped.

    Returns the answer as a dict with every field of lp_result. Check "code": failures are not
    raised.

    Raises InvalidArgument only for a request that cannot be passed to C, and TypeError for one of
    the wrong type.
    """
    return send_request_json("lp_open_shift_json", request)
