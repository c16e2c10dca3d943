"""Sending documents other than the opening of a shift."""

from typing import Any, Dict, Iterable, Mapping, Optional, Union

from ._arguments import DocumentArgument, Json, OnProgress, PathArgument
from ._constants import Trust
from ._request import send_request, send_request_json
from ._results import Document


def send(
    path: str,
    document: Optional[DocumentArgument] = None,
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
) -> Document:
    """Sends any other document of LifePay's cloud print, such as a Z report, which closes the
    shift, a receipt or a correction, and waits for the answer.

        lifepay.send("/cloud-print/create-z-report", apikey=..., login=...)

    path
        The document's path below base_url, such as /cloud-print/create-z-report. At most 255
        characters.
    document
        The document's own fields: a dict, or the text of a JSON object. lp_config and the errors
        call it document_json. LifePay's page about the document describes the fields; the library
        does not check them, and LifePay's answer says what is wrong. A Decimal is sent as a number
        with the same digits: Decimal("1.50") as 1.50. The document must not contain apikey, login
        or an argument that is given.
    ext_id
        At most 50 characters. The library generates none here. That a second request with the same
        ext_id makes no second document is published for the opening of a shift only; look up on
        LifePay's page whether it holds for this document. Never use one ext_id for two documents.
    retry_for_ms
        As in open_shift, but requires ext_id: without one nothing is sent twice.

    The other arguments are those of open_shift. Those that are fields of a request are sent before
    the document's own fields.

    Blocks as open_shift does.

    Returns the accepted document, which may not be printed yet: see Document.

    Raises what open_shift raises. After OutcomeUnknown of a request without ext_id, check LifePay's
    personal account before you send again.
    """
    return send_request("lp_send", dict(locals()), on_progress).document()


def send_json(request: Union[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Sends a document that is described in JSON: as open_shift_json, with the keys path and
    document_json, which may be an object or the text of one."""
    return send_request_json("lp_send_json", request)
