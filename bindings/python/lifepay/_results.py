"""What came of a call, copied from the library's memory."""

import ctypes
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Optional, Tuple, Type, TypeVar

from ._constants import (
    LP_ERR_CANCELLED,
    LP_ERR_EXPIRED,
    LP_OK,
    LP_PENDING,
    EntryFlags,
    Outcome,
    Phase,
)
from ._structs import lp_entry, lp_progress, lp_result

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_Number = TypeVar("_Number", Outcome, Phase)


@dataclass(frozen=True)
class FieldError:
    """One field of the request and what is wrong with it, in Russian."""

    field: str
    """"" if LifePay named none. Nested ones are joined by dots. The names are lp_config's."""
    message: str


@dataclass(frozen=True)
class Shift:
    """An accepted request.

    That is not yet an open shift: the report that the cash register prints, a notification to
    callback_url or LifePay's personal account shows whether it opened.
    """

    uuid: Optional[str]
    """The document's uuid from LifePay; None in test mode."""
    ext_id: str
    """The ext_id that was sent, given or made."""
    message: str
    """In Russian, for a person at the till."""
    attempts: int
    """How many attempts were made."""
    http_status: int
    """HTTP status of the answer."""
    detail: Optional[str] = field(default=None, repr=False)
    """Technical, for the log."""
    reply: Optional[str] = field(default=None, repr=False)
    """The body that LifePay sent, for a support request, the apikey masked."""


@dataclass(frozen=True)
class Document:
    """An accepted document other than the opening of a shift.

    That is not yet a printed one: what the cash register prints or LifePay's personal account shows
    whether it came to that.
    """

    uuid: Optional[str]
    """The document's uuid from LifePay; None in test mode, or if the answer has none."""
    ext_id: Optional[str]
    """The ext_id that was sent; None if none was given."""
    message: str
    """In Russian, for a person at the till."""
    attempts: int
    """How many attempts were made."""
    http_status: int
    """HTTP status of the answer."""
    detail: Optional[str] = field(default=None, repr=False)
    """Technical, for the log."""
    reply: Optional[str] = field(default=None, repr=False)
    """The body that LifePay sent, with whatever else it says of this document, the apikey masked."""


@dataclass(frozen=True)
class Result:
    """What came of a call, good or bad."""

    code: int
    """LP_OK, LifePay's code (positive) or LP_ERR_... (negative); LP_PENDING: in the outbox, no
    outcome yet."""
    outcome: Outcome
    """Whether LifePay may have the request, over all attempts."""
    message: str
    """In Russian, for a person at the till or on the phone: what happened and what to do."""
    uuid: Optional[str] = None
    """The document's uuid from LifePay; None in test mode, and if code is not LP_OK."""
    ext_id: Optional[str] = None
    """The ext_id that was sent, given or made; None only if the arguments were wrong, or send was given
    none."""
    errors: Tuple[FieldError, ...] = ()
    """The fields that are wrong, LifePay's and the library's own."""
    http_status: int = 0
    """HTTP status of the last attempt; 0: no answer came."""
    attempts: int = 0
    """How many attempts were made."""
    retry_after_ms: int = 0
    """Milliseconds after which to repeat, where a repeat makes sense; otherwise 0."""
    detail: Optional[str] = field(default=None, repr=False)
    """Technical, for the log."""
    reply: Optional[str] = field(default=None, repr=False)
    """The body that was received, for a support request, the apikey masked."""

    @property
    def name(self) -> str:
        """The code's name, such as "LP_ERR_TIMEOUT"; "UNKNOWN" for one that has none."""
        from ._words import code_name

        return code_name(self.code)

    @property
    def ok(self) -> bool:
        """LifePay took the document. That is not yet an open shift or a printed document, see Shift and
        Document."""
        return self.code == LP_OK

    @property
    def pending(self) -> bool:
        """It is in the outbox and has no outcome yet."""
        return self.code == LP_PENDING

    def shift(self) -> Shift:
        """The accepted request to open a shift; anything else is raised as open_shift raises it."""
        self._check()
        return Shift(
            uuid=self.uuid,
            ext_id=self.ext_id or "",
            message=self.message,
            attempts=self.attempts,
            http_status=self.http_status,
            detail=self.detail,
            reply=self.reply,
        )

    def document(self) -> Document:
        """The same of any other document; anything else is raised as send raises it."""
        self._check()
        return Document(
            uuid=self.uuid,
            ext_id=self.ext_id,
            message=self.message,
            attempts=self.attempts,
            http_status=self.http_status,
            detail=self.detail,
            reply=self.reply,
        )

    def _check(self) -> None:
        if not self.ok:
            from ._errors import error_of

            raise error_of(self)

    @property
    def _is_of_an_entry(self) -> bool:
        """Otherwise a call of an outbox has failed."""
        return self.code >= LP_PENDING or self.code in (LP_ERR_CANCELLED, LP_ERR_EXPIRED)


@dataclass(frozen=True)
class Progress:
    """What on_progress is told."""

    phase: Phase
    attempts: int
    """How many attempts have been begun."""
    code: int
    """Why the last attempt failed: LP_ERR_...; LP_PENDING before one has."""
    http_status: int
    """HTTP status of the last failed attempt; 0: none came."""
    elapsed_ms: int
    """Milliseconds since the call began."""
    next_attempt_ms: int
    """Milliseconds until the next attempt, in Phase.FAILED and Phase.PAUSE. 0 in Phase.FAILED: it
    was the last one."""


@dataclass(frozen=True)
class Entry:
    """One request of an outbox."""

    ext_id: str
    login: str
    target_serial: Optional[str]
    base_url: str
    """The base_url that it belongs to."""
    code: int
    """LP_PENDING, or the outcome: LP_OK, LifePay's code, LP_ERR_CANCELLED, LP_ERR_EXPIRED."""
    outcome: Outcome
    """Whether LifePay may have the request, over all attempts, also those of before a restart."""
    flags: EntryFlags
    attempts: int
    """How many attempts were begun."""
    http_status: int
    """HTTP status of the last attempt; 0: no answer came."""
    submitted_at: datetime
    """In UTC, as all times here."""
    next_attempt_at: Optional[datetime]
    """None: there is no next attempt."""
    answered_at: Optional[datetime]
    """When it was finished: answered, cancelled or expired; None: it is not."""
    expires_at: Optional[datetime]
    """After when it is not repeated; None: never."""
    uuid: Optional[str]
    """The document's uuid from LifePay."""
    message: str
    """In Russian, for a person at the till."""
    path: Optional[str]
    """Which document it is: /cloud-print/create-session for the opening of a shift. None: it is of a
    kind that only a later version of the library knows, and waits for that."""

    @property
    def pending(self) -> bool:
        """It waits for an outcome; otherwise it is finished."""
        return bool(self.flags & EntryFlags.PENDING)

    @property
    def sending(self) -> bool:
        """An attempt is being made."""
        return bool(self.flags & EntryFlags.SENDING)

    @property
    def foreign(self) -> bool:
        """It belongs to another base_url than this outbox was opened with, and is not sent by it."""
        return bool(self.flags & EntryFlags.FOREIGN)


def result_of(raw: lp_result, returned: int) -> Result:
    """A copy. ``returned`` is what the call has returned: if it failed, that is the code."""
    code = raw.code if returned == LP_OK else returned
    message = _text(raw.message)
    if message is None:
        from ._words import code_text

        message = code_text(code)
    return Result(
        code=code,
        outcome=_number(Outcome, raw.outcome),
        message=message,
        uuid=_text(raw.uuid),
        ext_id=_text(raw.ext_id),
        errors=tuple(
            FieldError(_text(error.field) or "", _text(error.message) or "")
            for error in raw.errors[: raw.error_count]
        ),
        http_status=raw.http_status,
        attempts=raw.attempts,
        retry_after_ms=raw.retry_after_ms,
        detail=_text(raw.detail),
        reply=_text(raw.reply),
    )


def progress_of(address: int) -> Progress:
    raw = lp_progress.from_address(address)
    return Progress(
        phase=_number(Phase, raw.phase),
        attempts=raw.attempts,
        code=raw.code,
        http_status=raw.http_status,
        elapsed_ms=raw.elapsed_ms,
        next_attempt_ms=raw.next_attempt_ms,
    )


def entry_of(address: int) -> Entry:
    raw = lp_entry.from_address(address)
    return Entry(
        ext_id=_text(raw.ext_id) or "",
        login=_text(raw.login) or "",
        target_serial=_text(raw.target_serial),
        base_url=_text(raw.base_url) or "",
        code=raw.code,
        outcome=_number(Outcome, raw.outcome),
        flags=EntryFlags(raw.flags),
        attempts=raw.attempts,
        http_status=raw.http_status,
        submitted_at=_EPOCH + timedelta(milliseconds=raw.submitted_at),
        next_attempt_at=_time(raw.next_attempt_at),
        answered_at=_time(raw.answered_at),
        expires_at=_time(raw.expires_at),
        uuid=_text(raw.uuid),
        message=_text(raw.message) or "",
        path=_text(raw.path),
    )


def _text(raw: Optional[bytes]) -> Optional[str]:
    return None if raw is None else raw.decode("utf-8", "replace")


def _time(unix_ms: int) -> Optional[datetime]:
    return _EPOCH + timedelta(milliseconds=unix_ms) if unix_ms else None


def _number(enum: Type[_Number], value: int) -> Any:
    """A later library may have numbers that this package does not know: they stay numbers."""
    try:
        return enum(value)
    except ValueError:
        return value


class RawResult:
    """An lp_result that is freed after it was copied."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._raw = lp_result()
        library.lp_result_init(self._raw, ctypes.sizeof(self._raw))

    def pointer(self) -> Any:
        return ctypes.byref(self._raw)

    def take(self, returned: int) -> Result:
        try:
            return result_of(self._raw, returned)
        finally:
            self._library.lp_result_free(self._raw)
