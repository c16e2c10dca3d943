"""Opens and closes the shifts of cash registers, and prints receipts, through LifePay's cloud
fiscalisation.

    import lifepay

    try:
        shift = lifepay.open_shift(
            apikey="your API key",
            login="79031234567",
            ext_id="00106304012797-2026-11-24-1",  # your own, stored before you send
        )
        print("accepted:", shift.uuid or "(test mode)")
    except lifepay.LifePayError as error:
        print(error.code, error.message)

An accepted request is not yet an open shift: the report that the cash register prints, a
notification to callback_url or LifePay's personal account shows whether it opened. send sends every
other document.

Retries are safe only with the same ext_id: LifePay opens no second shift for it. For other
documents see send. None means "not given", as do "" for a string and 0 for a number. Times are in
milliseconds. Texts for people are in Russian. Every function may be called from any thread. The log
goes to the logger "lifepay".
"""

from ._constants import (
    FOREVER,
    LP_ACCESS_DENIED,
    LP_CREDENTIALS_UNKNOWN,
    LP_DATA_ERROR,
    LP_ERR_ARGUMENT,
    LP_ERR_CANCELLED,
    LP_ERR_CLOSED,
    LP_ERR_EXPIRED,
    LP_ERR_HTTP,
    LP_ERR_INTERNAL,
    LP_ERR_NETWORK,
    LP_ERR_NOT_FOUND,
    LP_ERR_OUTBOX,
    LP_ERR_REPLY,
    LP_ERR_TIMEOUT,
    LP_ERR_TLS,
    LP_FISCALIZATION_FORBIDDEN,
    LP_FORMAT_ERROR,
    LP_LOGIN_UNKNOWN,
    LP_OK,
    LP_PENDING,
    LP_SERVER_ERROR,
    EntryFlags,
    LogLevel,
    Outcome,
    Phase,
    Trust,
)
from ._document import send, send_json
from ._errors import (
    InvalidArgument,
    LibraryNotFound,
    LifePayError,
    NotSent,
    OutboxError,
    OutcomeUnknown,
    Rejected,
)
from ._outbox import Outbox
from ._results import Document, Entry, FieldError, Progress, Result, Shift
from ._shift import open_shift, open_shift_json
from ._version import __version__
from ._words import (
    code_name,
    code_text,
    ext_id_new,
    log_to_file,
    set_log_level,
    version,
    version_number,
)

__all__ = [
    "FOREVER",
    "LP_ACCESS_DENIED",
    "LP_CREDENTIALS_UNKNOWN",
    "LP_DATA_ERROR",
    "LP_ERR_ARGUMENT",
    "LP_ERR_CANCELLED",
    "LP_ERR_CLOSED",
    "LP_ERR_EXPIRED",
    "LP_ERR_HTTP",
    "LP_ERR_INTERNAL",
    "LP_ERR_NETWORK",
    "LP_ERR_NOT_FOUND",
    "LP_ERR_OUTBOX",
    "LP_ERR_REPLY",
    "LP_ERR_TIMEOUT",
    "LP_ERR_TLS",
    "LP_FISCALIZATION_FORBIDDEN",
    "LP_FORMAT_ERROR",
    "LP_LOGIN_UNKNOWN",
    "LP_OK",
    "LP_PENDING",
    "LP_SERVER_ERROR",
    "Document",
    "Entry",
    "EntryFlags",
    "FieldError",
    "InvalidArgument",
    "LibraryNotFound",
    "LifePayError",
    "LogLevel",
    "NotSent",
    "Outbox",
    "OutboxError",
    "OutcomeUnknown",
    "Outcome",
    "Phase",
    "Progress",
    "Rejected",
    "Result",
    "Shift",
    "Trust",
    "__version__",
    "code_name",
    "code_text",
    "ext_id_new",
    "log_to_file",
    "open_shift",
    "open_shift_json",
    "send",
    "send_json",
    "set_log_level",
    "version",
    "version_number",
]
