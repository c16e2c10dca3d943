"""What the functions raise."""

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
    """A request that LifePay has not accepted. Its subclasses say what to do next.

    What a cashier who would open the shift by hand must know is in ``outcome``, whatever the class.
    """

    def __init__(self, result: Result) -> None:
        super().__init__(result)
        self.result = result
        """Everything that came of the call."""

    def __str__(self) -> str:
        fields = "".join(f"; {error.field}: {error.message}" for error in self.errors)
        return f"{self.name} ({self.code}): {self.message}{fields}"

    @property
    def code(self) -> int:
        """LifePay's code (positive) or LP_ERR_... (negative)."""
        return self.result.code

    @property
    def name(self) -> str:
        """The code's name, such as "LP_ERR_TIMEOUT"; "UNKNOWN" for one that has none."""
        return self.result.name

    @property
    def message(self) -> str:
        """In Russian, for a person at the till or on the phone: what happened and what to do."""
        return self.result.message

    @property
    def outcome(self) -> Outcome:
        """Whether LifePay may have the request, over all attempts."""
        return self.result.outcome

    @property
    def errors(self) -> Tuple[FieldError, ...]:
        """The fields that are wrong, LifePay's and the library's own."""
        return self.result.errors

    @property
    def http_status(self) -> int:
        """HTTP status of the last attempt; 0: no answer came."""
        return self.result.http_status

    @property
    def ext_id(self) -> Optional[str]:
        """The ext_id that was sent, given or made: repeat with it. None if the arguments were wrong, or
        send was given none."""
        return self.result.ext_id

    @property
    def attempts(self) -> int:
        """How many attempts were made."""
        return self.result.attempts

    @property
    def retry_after_ms(self) -> int:
        """Milliseconds after which to repeat, where a repeat makes sense; otherwise 0."""
        return self.result.retry_after_ms

    @property
    def detail(self) -> Optional[str]:
        """Technical, as the system or the TLS library put it, for the log."""
        return self.result.detail

    @property
    def reply(self) -> Optional[str]:
        """The body that was received, for a support request, the apikey masked; None: there was none."""
        return self.result.reply


class InvalidArgument(LifePayError, ValueError):
    """The call or its settings are wrong; ``errors`` names each field. This call has sent nothing.

    Outbox.retry_now and Outbox.forget raise it for an entry whose state does not allow the call: then
    ``message``, ``outcome`` and all else but ``code`` are those of the entry.
    """


class Rejected(LifePayError):
    """LifePay has answered, with its own ``code``. Do not repeat the request as it is."""


class NotSent(LifePayError):
    """No byte of the request left this machine in any attempt. Repeat it later; a new request with
    another ``ext_id`` is safe too.

    Also of a call that ``on_progress`` stopped: then ``code`` is LP_ERR_CANCELLED.
    """


class OutcomeUnknown(LifePayError):
    """LifePay may have the request. Repeat it with this ``ext_id`` only: then no second shift is opened.
    For other documents see send; without ``ext_id``, look at LifePay's personal account first.

    Also of a call that ``on_progress`` stopped: then ``code`` is LP_ERR_CANCELLED.
    """


class OutboxError(LifePayError):
    """The outbox's file cannot be used, it is closed, or it has no such entry: see ``code``,
    LP_ERR_OUTBOX, LP_ERR_CLOSED or LP_ERR_NOT_FOUND."""


class LibraryNotFound(OSError):
    """The shared library cannot be loaded. The text says where it was looked for."""


def error_of(result: Result) -> LifePayError:
    """What a result that is no success is raised as."""
    if result.code > 0:
        return Rejected(result)
    if result.code == LP_ERR_ARGUMENT:
        return InvalidArgument(result)
    if result.code in (LP_ERR_OUTBOX, LP_ERR_CLOSED, LP_ERR_NOT_FOUND):
        return OutboxError(result)
    if result.code == LP_PENDING:
        # The outbox repeats it, not the program.
        return LifePayError(result)
    if result.outcome == Outcome.NOT_SENT:
        return NotSent(result)
    if result.outcome == Outcome.UNKNOWN:
        return OutcomeUnknown(result)
    return LifePayError(result)


def refuse(errors: Sequence[FieldError]) -> NoReturn:
    """Arguments that the library cannot be asked about."""
    from ._words import code_text

    raise InvalidArgument(
        Result(
            code=LP_ERR_ARGUMENT,
            outcome=Outcome.NOT_SENT,
            message=code_text(LP_ERR_ARGUMENT),
            errors=tuple(errors),
        )
    )
