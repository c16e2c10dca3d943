"""The numbers of lifepay.h, by the same names; a test compares them."""

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
"""Milliseconds without a limit."""


class Outcome(IntEnum):
    """What the code cannot say. A cashier who opens the shift by hand must know it."""

    NONE = 0
    """The call has no request that it could speak of."""
    NOT_SENT = 1
    """No byte of the request left this machine in any attempt."""
    UNKNOWN = 2
    """LifePay may have it. Repeat with this ext_id only: then no second shift is opened. For other
    documents see send."""
    ANSWERED = 3
    """LifePay has answered."""


class Trust(IntEnum):
    """Whose certificates are trusted. Verification cannot be turned off."""

    DEFAULT = 0
    """Mozilla's roots, compiled in, and the system's, together."""
    BUNDLED = 1
    """Mozilla's roots only."""
    SYSTEM = 2
    """The system's roots only."""


class Phase(IntEnum):
    """What a call is at."""

    CONNECT = 1
    """Name resolution, connect, proxy and TLS."""
    EXCHANGE = 2
    """The request is sent and its answer awaited."""
    FAILED = 3
    """An attempt has failed; ``code`` and ``http_status`` say how."""
    PAUSE = 4
    """The pause before the next attempt."""


class EntryFlags(IntFlag):
    """What an entry of an outbox is at."""

    PENDING = 1
    """It waits for an outcome; without it the entry is finished."""
    SENDING = 2
    """An attempt is being made."""
    FOREIGN = 4
    """It belongs to another base_url than this outbox was opened with, and is not sent by it."""


class LogLevel(IntEnum):
    """What is told: that and all before it."""

    OFF = 0
    ERROR = 1
    """LifePay has refused a request, or a defect of the library was caught."""
    WARN = 2
    """Attempts that have failed, and calls with wrong arguments."""
    INFO = 3
    """Attempts that have succeeded."""
    DEBUG = 4
    """What the library decides on the way."""
    TRACE = 5
    """Bodies sent and received, the apikey masked."""
