"""The results of calls, copied from the library's memory."""

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
    """A field of the request and the reason why it is wrong, in Russian."""

    field: str
    """Name of the field, as in lp_config, nested names joined by dots; "" if LifePay named none."""
    message: str


@dataclass(frozen=True)
class Shift:
    """An accepted request to open a shift.

    The shift may not be open yet: the report that the cash register prints, a notification to
    callback_url or LifePay's personal account shows that.
    """

    uuid: Optional[str]
    """LifePay's uuid of the document; None in test mode."""
    ext_id: str
    """The ext_id of the request, given or generated."""
    message: str
    """The message, in Russian, for a person at the till."""
    attempts: int
    """Number of attempts."""
    http_status: int
    """HTTP status of the answer."""
    detail: Optional[str] = field(default=None, repr=False)
    """Technical details, for the log."""
    reply: Optional[str] = field(default=None, repr=False)
    """The body that LifePay sent, with the apikey masked, for a support request."""


@dataclass(frozen=True)
class Document:
    """An accepted document other than the opening of a shift.

    It may not be printed yet: the cash register or LifePay's personal account shows that.
    """

    uuid: Optional[str]
    """LifePay's uuid of the document; None in test mode, or if the answer has none."""
    ext_id: Optional[str]
    """The ext_id that was sent; None if none was given."""
    message: str
    """The message, in Russian, for a person at the till."""
    attempts: int
    """Number of attempts."""
    http_status: int
    """HTTP status of the answer."""
    detail: Optional[str] = field(default=None, repr=False)
    """Technical details, for the log."""
    reply: Optional[str] = field(default=None, repr=False)
    """The body that LifePay sent, with everything it says about this document. The apikey is
    masked."""


@dataclass(frozen=True)
class Result:
    """The result of a call, successful or not."""

    code: int
    """LP_OK, LifePay's code (positive) or LP_ERR_... (negative). LP_PENDING: the request is in the
    outbox and has no outcome yet."""
    outcome: Outcome
    """Whether LifePay may have the request, over all attempts."""
    message: str
    """What happened and what to do, in Russian, for a person at the till or on the phone."""
    uuid: Optional[str] = None
    """LifePay's uuid of the document; None in test mode, and if code is not LP_OK."""
    ext_id: Optional[str] = None
    """The ext_id of the request, given or generated; None only if the arguments were wrong or send
    was given none."""
    errors: Tuple[FieldError, ...] = ()
    """The wrong fields, as reported by LifePay or by the library."""
    http_status: int = 0
    """HTTP status of the last attempt; 0: no answer arrived."""
    attempts: int = 0
    """Number of attempts."""
    retry_after_ms: int = 0
    """If a retry makes sense and is safe: milliseconds to wait before it. Otherwise 0."""
    detail: Optional[str] = field(default=None, repr=False)
    """The technical reason, for the log."""
    reply: Optional[str] = field(default=None, repr=False)
    """The body that was received, with the apikey masked, for a support request."""

    @property
    def name(self) -> str:
        """The code's name, such as "LP_ERR_TIMEOUT"; "UNKNOWN" for a code without one."""
        from ._words import code_name

        return code_name(self.code)

    @property
    def ok(self) -> bool:
        """Whether LifePay accepted the document. The shift may not be open yet, or the document not
        printed: see Shift and Document."""
        return self.code == LP_OK

    @property
    def pending(self) -> bool:
        """Whether the request is in the outbox and has no outcome yet."""
        return self.code == LP_PENDING

    def shift(self) -> Shift:
        """Returns the accepted request to open a shift. Otherwise raises what open_shift raises."""
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
        """Returns an accepted document of another kind. Otherwise raises what send raises."""
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
    def _describes_entry(self) -> bool:
        """Whether the result of an outbox's call describes an entry. Otherwise the call failed."""
        return self.code >= LP_PENDING or self.code in (LP_ERR_CANCELLED, LP_ERR_EXPIRED)


@dataclass(frozen=True)
class Progress:
    """The state of a call, for on_progress."""

    phase: Phase
    attempts: int
    """Number of attempts started."""
    code: int
    """Why the last attempt failed: LP_ERR_...; LP_PENDING if none has failed yet."""
    http_status: int
    """HTTP status of the last failed attempt; 0: no answer arrived."""
    elapsed_ms: int
    """Milliseconds since the start of the call."""
    next_attempt_ms: int
    """Milliseconds until the next attempt, in Phase.FAILED and Phase.PAUSE. 0 in Phase.FAILED:
    there is no further attempt."""


@dataclass(frozen=True)
class Entry:
    """A request in an outbox."""

    ext_id: str
    login: str
    target_serial: Optional[str]
    base_url: str
    """The base_url that the entry belongs to."""
    code: int
    """LP_PENDING, or how the entry finished: LP_OK, a code of LifePay's, LP_ERR_CANCELLED or
    LP_ERR_EXPIRED."""
    outcome: Outcome
    """Whether LifePay may have the request, over all attempts, including those before a restart."""
    flags: EntryFlags
    attempts: int
    """Number of attempts started."""
    http_status: int
    """HTTP status of the last attempt; 0: no answer arrived."""
    submitted_at: datetime
    """When the entry was submitted. All times are in UTC."""
    next_attempt_at: Optional[datetime]
    """When the next attempt is due; None: none is."""
    answered_at: Optional[datetime]
    """When the entry finished: answered, cancelled or expired; None: it is pending."""
    expires_at: Optional[datetime]
    """Deadline for retries; None: none."""
    uuid: Optional[str]
    """LifePay's uuid of the document."""
    message: str
    """The state of the entry, in Russian, for a person at the till."""
    path: Optional[str]
    """The document's path below base_url, /cloud-print/create-session for the opening of a shift.
    None: a kind of document that only a later version of the library knows, and which waits for
    that version."""

    @property
    def pending(self) -> bool:
        """Whether the entry is pending. Otherwise it is finished."""
        return bool(self.flags & EntryFlags.PENDING)

    @property
    def sending(self) -> bool:
        """Whether an attempt is under way."""
        return bool(self.flags & EntryFlags.SENDING)

    @property
    def foreign(self) -> bool:
        """Whether the entry belongs to another base_url than the one this outbox was opened with;
        this outbox does not send it."""
        return bool(self.flags & EntryFlags.FOREIGN)


def result_of(raw: lp_result, returned: int) -> Result:
    """Copies a result. ``returned`` is the call's return value: if the call failed, it is the
    code."""
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
    """Converts a number to its enum. A number that only a later library knows stays a number."""
    try:
        return enum(value)
    except ValueError:
        return value


class RawResult:
    """An lp_result that is freed once it has been copied."""

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
