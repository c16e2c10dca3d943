"""The exceptions that the functions raise."""

from typing import NoReturn, Optional, Sequence, Tuple

from ._constants import (
    LP_ERR_ARGUMENT,
    LP_ERR_CLOSED,
    LP_ERR_NOT_FOUND,
    LP_ERR_OUTBOX,
    LP_PENDING,
    Outcome,
)
from ._results import FieldError, Result


class LifePayError(Exception):
    """LifePay did not accept the request, or the call failed. The subclasses say what to do next.

    ``outcome`` says whether LifePay may have the request. Show it to anyone about to open the shift
    by hand, whatever the class.
    """

    def __init__(self, result: Result) -> None:
        super().__init__(result)
        self.result = result
        """The complete result of the call."""

    def __str__(self) -> str:
        fields = "".join(f"; {error.field}: {error.message}" for error in self.errors)
        return f"{self.name} ({self.code}): {self.message}{fields}"

    @property
    def code(self) -> int:
        """LifePay's code (positive) or LP_ERR_... (negative)."""
        return self.result.code

    @property
    def name(self) -> str:
        """The code's name, such as "LP_ERR_TIMEOUT"; "UNKNOWN" for a code without one."""
        return self.result.name

    @property
    def message(self) -> str:
        """What happened and what to do, in Russian, for a person at the till or on the phone."""
        return self.result.message

    @property
    def outcome(self) -> Outcome:
        """Whether LifePay may have the request, over all attempts."""
        return self.result.outcome

    @property
    def errors(self) -> Tuple[FieldError, ...]:
        """The wrong fields, as reported by LifePay or by the library."""
        return self.result.errors

    @property
    def http_status(self) -> int:
        """HTTP status of the last attempt; 0: no answer arrived."""
        return self.result.http_status

    @property
    def ext_id(self) -> Optional[str]:
        """The ext_id of the request, given or generated: retry with it. None if the arguments were
        wrong or send was given none."""
        return self.result.ext_id

    @property
    def attempts(self) -> int:
        """Number of attempts."""
        return self.result.attempts

    @property
    def retry_after_ms(self) -> int:
        """If a retry makes sense and is safe: milliseconds to wait before it. Otherwise 0."""
        return self.result.retry_after_ms

    @property
    def detail(self) -> Optional[str]:
        """The technical reason, as the system or the TLS library words it, for the log."""
        return self.result.detail

    @property
    def reply(self) -> Optional[str]:
        """The body that was received, with the apikey masked, for a support request. None: there
        was none."""
        return self.result.reply


class InvalidArgument(LifePayError, ValueError):
    """The arguments or settings are wrong; ``errors`` names each field. This call sent nothing.

    Outbox.retry_now and Outbox.forget raise it for an entry whose state does not allow the call:
    then everything except ``code`` describes the entry, for example ``message`` and ``outcome``.
    """


class Rejected(LifePayError):
    """LifePay answered with its own ``code``. Do not retry the request unchanged."""


class NotSent(LifePayError):
    """No byte of the request left this machine in any attempt. Retry later; a new request with
    another ``ext_id`` is safe too.

    Also raised for a call that ``on_progress`` stopped: then ``code`` is LP_ERR_CANCELLED.
    """


class OutcomeUnknown(LifePayError):
    """LifePay may have the request. Retry with this ``ext_id`` only: then LifePay opens no second
    shift. For other documents see send; without ``ext_id``, check LifePay's personal account first.

    Also raised for a call that ``on_progress`` stopped: then ``code`` is LP_ERR_CANCELLED.
    """


class OutboxError(LifePayError):
    """The outbox's file cannot be used, the outbox is closed, or it has no such entry. ``code`` is
    LP_ERR_OUTBOX, LP_ERR_CLOSED or LP_ERR_NOT_FOUND."""


class LibraryNotFound(OSError):
    """The shared library cannot be loaded. The text lists the places that were tried."""


def error_of(result: Result) -> LifePayError:
    """Returns the exception for the result of a failed call."""
    if result.code > 0:
        return Rejected(result)
    if result.code == LP_ERR_ARGUMENT:
        return InvalidArgument(result)
    if result.code in (LP_ERR_OUTBOX, LP_ERR_CLOSED, LP_ERR_NOT_FOUND):
        return OutboxError(result)
    if result.code == LP_PENDING:
        # The outbox retries, not the program.
        return LifePayError(result)
    if result.outcome == Outcome.NOT_SENT:
        return NotSent(result)
    if result.outcome == Outcome.UNKNOWN:
        return OutcomeUnknown(result)
    return LifePayError(result)


def refuse(errors: Sequence[FieldError]) -> NoReturn:
    """Raises InvalidArgument for arguments that cannot be passed to the library."""
    from ._words import code_text

    raise InvalidArgument(
        Result(
            code=LP_ERR_ARGUMENT,
            outcome=Outcome.NOT_SENT,
            message=code_text(LP_ERR_ARGUMENT),
            errors=tuple(errors),
        )
    )
