"""Every document other than the opening of a shift."""

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
    """Sends any other document of LifePay's cloud print: a Z report, which closes the shift, a receipt,
    a correction. Blocks as open_shift does.

        lifepay.send("/cloud-print/create-z-report", apikey=..., login=...)

    path
        Which document it is, as its path below base_url, such as /cloud-print/create-z-report. At most
        255 characters.
    document
        The document's own fields, as a dict or as the text of a JSON object; lp_config and the errors
        call it document_json. What they are stands on LifePay's page about the document and is not
        checked here: LifePay answers what is wrong. A Decimal is sent as the number that it writes,
        Decimal("1.50") as 1.50. apikey, login and arguments that are given must not stand in it too.
    ext_id
        At most 50 characters. The library makes none. That a second request with the same ext_id makes
        no second document is known of opening a shift only: whether it holds for this document too,
        look up on LifePay's page. Do not use one ext_id for two documents.
    retry_for_ms
        As in open_shift, but with ext_id only: without it nothing is sent twice.

    The others are as in open_shift. Those that are given, and are fields of a request, go into it before
    the document's own.

    Returns the accepted document, which is not yet a printed one: see Document.

    Raises what open_shift does. After OutcomeUnknown of a request without ext_id, look at LifePay's
    personal account before you send again.
    """
    return send_request("lp_send", dict(locals()), on_progress).document()


def send_json(request: Union[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Sends a document that is described in JSON: as open_shift_json, with the keys path and
    document_json, which may be the text of an object or an object."""
    return send_request_json("lp_send_json", request)
