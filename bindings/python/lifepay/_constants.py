"""The constants of lifepay.h, with the same names. A test compares them with the header."""

from enum import IntEnum, IntFlag

LP_OK = 0
LP_DATA_ERROR = 400
LP_SERVER_ERROR = 500
LP_FORMAT_ERROR = 6000
LP_LOGIN_UNKNOWN = 6009
LP_CREDENTIALS_UNKNOWN = 6010
LP_FISCALIZATION_FORBIDDEN = 6080
LP_ACCESS_DENIED = 6095
LP_PENDING = -1
LP_ERR_ARGUMENT = -2
LP_ERR_NETWORK = -3
LP_ERR_TIMEOUT = -4
LP_ERR_TLS = -5
LP_ERR_HTTP = -6
LP_ERR_REPLY = -7
LP_ERR_CANCELLED = -8
LP_ERR_OUTBOX = -9
LP_ERR_NOT_FOUND = -10
LP_ERR_INTERNAL = -11
LP_ERR_CLOSED = -12
LP_ERR_EXPIRED = -13

FOREVER = 0xFFFFFFFF
"""A time without a limit, in milliseconds."""


class Outcome(IntEnum):
    """Whether LifePay may already have the request. Show this to anyone about to open the shift by
    hand."""

    NONE = 0
    """The call says nothing about a request."""
    NOT_SENT = 1
    """No byte of the request left this machine in any attempt."""
    UNKNOWN = 2
    """LifePay may have the request. Retry with the same ext_id only: then LifePay opens no second
    shift. For other documents see send."""
    ANSWERED = 3
    """LifePay answered."""


class Trust(IntEnum):
    """Root certificates to trust. Verification cannot be turned off."""

    DEFAULT = 0
    """Mozilla's roots, which are compiled in, and the system's."""
    BUNDLED = 1
    """Mozilla's roots only."""
    SYSTEM = 2
    """The system's roots only."""


class Phase(IntEnum):
    """The phase of a call."""

    CONNECT = 1
    """Resolving the host name, connecting, proxy and TLS."""
    EXCHANGE = 2
    """Sending the request and waiting for the answer."""
    FAILED = 3
    """An attempt failed; ``code`` and ``http_status`` say how."""
    PAUSE = 4
    """Pausing before the next attempt."""


class EntryFlags(IntFlag):
    """The state of an entry in an outbox."""

    PENDING = 1
    """The entry is pending. If this flag is clear, the entry is finished."""
    SENDING = 2
    """An attempt is under way."""
    FOREIGN = 4
    """The entry belongs to another base_url than the one this outbox was opened with; this outbox
    does not send it."""


class LogLevel(IntEnum):
    """The most verbose level to report."""

    OFF = 0
    ERROR = 1
    """LifePay rejected a request, or the library caught a defect of its own."""
    WARN = 2
    """Failed attempts, and calls with wrong arguments."""
    INFO = 3
    """Successful attempts."""
    DEBUG = 4
    """Decisions that the library makes on the way."""
    TRACE = 5
    """Bodies sent and received, with the apikey masked."""
