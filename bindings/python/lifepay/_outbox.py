"""The outbox: requests that survive a crash."""

import ctypes
import time
import weakref
from dataclasses import replace
from types import TracebackType
from typing import Any, Callable, Iterable, List, Optional, Type, Union

from ._arguments import Arguments, DocumentArgument, Json, PathArgument, wrong_type
from ._call import call_without_progress
from ._constants import FOREVER, LP_ERR_ARGUMENT, LP_OK, Trust
from ._errors import error_of
from ._library import library
from ._results import Entry, RawResult, Result, entry_of
from ._structs import EntryFunction
from ._words import check

# A wait checks for Ctrl-C at this interval.
_PIECE_MS = 200


class Outbox:
    """An outbox: requests on disk, retried in the background until LifePay answers. None is lost to
    a crash or a power cut, and the calls do not wait for the network.

        with lifepay.Outbox("shifts.db", apikey=..., login=...) as outbox:
            ext_id = outbox.submit(ext_id="00106304012797-2026-11-24-1").ext_id
            result = outbox.wait(ext_id, timeout_ms=5000)

    Pending entries stay in the file when it is closed, and are sent when it is opened again. All
    methods may be called from any thread. After close they raise OutboxError with the code
    LP_ERR_CLOSED.
    """

    def __init__(
        self,
        path: PathArgument,
        *,
        apikey: str,
        login: Optional[str] = None,
        base_url: Optional[str] = None,
        proxy: Optional[str] = None,
        ca_file: Optional[PathArgument] = None,
        trust: Union[Trust, int] = Trust.DEFAULT,
        connect_timeout_ms: Optional[int] = None,
        timeout_ms: Optional[int] = None,
        retry_delays_ms: Optional[Iterable[int]] = None,
        concurrency: Optional[int] = None,
        keep_days: Optional[int] = None,
    ) -> None:
        """Opens a file of requests, creates it if it does not exist, and starts to send its pending
        entries. The call itself does not use the network.

        path
            On a local disk; network paths are refused.
        apikey
            Required. It is not stored in the file.
        login
            For requests without one.
        concurrency
            Number of requests sent in parallel. Default: 4.
        keep_days
            Days for which finished entries are kept. Default: 30.

        The other arguments are those of open_shift.

        Raises InvalidArgument, or OutboxError if the file cannot be used: the message says what to
        do, and the file is left unchanged.
        """
        given = dict(locals())
        self._library = library()
        arguments = Arguments()
        # The path of the file, not of a document.
        file = arguments.path("path", given.pop("path"))
        config = arguments.config(self._library, given)
        arguments.check()
        handle = ctypes.c_void_p()
        raw = RawResult(self._library)
        returned = self._library.lp_outbox_open(
            file, ctypes.byref(config), ctypes.byref(handle), raw.pointer()
        )
        result = raw.take(returned)
        if returned != LP_OK:
            raise error_of(result)
        # A number that is never reused: after close, calls with it return LP_ERR_CLOSED.
        self._handle = handle.value
        self._close = weakref.finalize(self, self._library.lp_outbox_close, self._handle)

    def submit(
        self,
        *,
        ext_id: Optional[str] = None,
        login: Optional[str] = None,
        test: bool = False,
        cashier_name: Optional[str] = None,
        cashier_inn: Optional[str] = None,
        target_serial: Optional[str] = None,
        callback_url: Optional[str] = None,
        callback_data: Optional[str] = None,
        callback_data_json: Optional[Json] = None,
        path: Optional[str] = None,
        document: Optional[DocumentArgument] = None,
        expires_after_ms: Optional[int] = None,
    ) -> Result:
        """Stores a request on disk; the outbox sends it in the background. Does not wait for the
        network.

        login
            Default: the outbox's.
        path, document
            As in send. With them ext_id is required, because an outbox retries. Without them the
            request opens a shift.
        expires_after_ms
            Milliseconds on the wall clock after which the request is not retried any more, so that
            yesterday's shift is not opened today. Default: 12 hours. FOREVER: no limit.

        The other arguments are those of open_shift.

        Returns the entry: ``pending``, or with its outcome if it has one. ``ext_id`` is the given
        or generated one. If an entry with this ext_id is pending or accepted, nothing is submitted
        and the result describes that entry.

        Raises InvalidArgument if nothing was submitted, also for an existing ext_id with another
        path or different fields. Raises OutboxError with LP_ERR_OUTBOX if the request may or may
        not be on disk: submit it again with the error's ``ext_id``.
        """
        given = dict(locals())
        arguments = Arguments()
        config = arguments.config(self._library, given)
        arguments.check()
        return self._ask(self._library.lp_outbox_submit, ctypes.byref(config))

    def wait(self, ext_id: str, timeout_ms: Optional[int] = None) -> Result:
        """Waits until an entry is finished.

        timeout_ms
            How long to wait. 0 returns at once; None and FOREVER have no limit.

        Other threads run during the wait, and Ctrl-C interrupts it.

        Returns the entry: ``pending`` if it is not finished. A rejection is an outcome and not
        raised here; Result.shift and Result.document raise it.

        Raises OutboxError if there is no such entry or the outbox is closed, also during the wait.
        """
        arguments = Arguments()
        text = arguments.text("ext_id", ext_id)
        rest = arguments.number("timeout_ms", FOREVER if timeout_ms is None else timeout_ms)
        arguments.check()
        has_limit = rest != FOREVER
        end = time.monotonic() + rest / 1000
        while True:
            result = self._ask(self._library.lp_outbox_wait, text, min(rest, _PIECE_MS))
            if has_limit:
                rest = max(0, int((end - time.monotonic()) * 1000))
            if not result.pending or rest == 0:
                return result

    def entries(self) -> List[Entry]:
        """Returns a snapshot of all entries, in the order in which they were first submitted."""
        entries: List[Entry] = []
        self.each(entries.append)
        return entries

    def each(self, function: Callable[[Entry], Any]) -> None:
        """Calls a function for every entry, in the order of entries().

        A false return value (False, 0, "") ends the iteration; a true value and None do not. In
        lifepay.h it is the opposite: 0 continues. The function may call everything. Its
        exceptions end the iteration and are raised.
        """
        if not callable(function):
            raise wrong_type("function", "callable", function)
        shown: List[Entry] = []
        thrown: List[BaseException] = []

        def collect(address: int, _user_data: Any) -> int:
            try:
                shown.append(entry_of(address))
                return 0
            except BaseException as error:
                thrown.append(error)
                return 1

        function_for_c = EntryFunction(collect)
        # Not on the main thread, where the exception of a signal in `collect` would be lost, and an
        # entry with it.
        check(
            call_without_progress(
                lambda: int(self._library.lp_outbox_each(self._handle, function_for_c, None))
            )
        )
        if thrown:
            raise thrown[0]
        for entry in shown:
            answer = function(entry)
            if answer is not None and not answer:
                return

    def retry_now(self, ext_id: Optional[str] = None) -> None:
        """Sends a pending entry at once, and a rejected one again. None: all entries that are
        pending or rejected and have not expired.

        Raises OutboxError, or InvalidArgument for an entry that was accepted or cancelled, has
        expired or belongs to another base_url: ``message`` and ``outcome`` are then those of the
        entry.
        """
        arguments = Arguments()
        text = arguments.text("ext_id", ext_id)
        arguments.check()
        self._check(self._library.lp_outbox_retry_now(self._handle, text), text)

    def cancel(self, ext_id: str) -> Result:
        """Stops the retries of an entry. An attempt under way is cut off within a second; if its
        answer arrives first, the answer is kept.

        Returns the entry: ``code`` is LP_ERR_CANCELLED, or the code with which the entry finished
        before; ``outcome`` says whether LifePay may have the request.

        Raises OutboxError.
        """
        arguments = Arguments()
        text = arguments.text("ext_id", ext_id)
        arguments.check()
        return self._ask(self._library.lp_outbox_cancel, text)

    def forget(self, ext_id: str) -> None:
        """Removes a finished entry.

        Raises OutboxError, or InvalidArgument for a pending entry (cancel it first): ``message``
        and ``outcome`` are then those of the entry.
        """
        arguments = Arguments()
        text = arguments.text("ext_id", ext_id)
        arguments.check()
        self._check(self._library.lp_outbox_forget(self._handle, text), text)

    def pending(self) -> int:
        """Returns the number of pending entries that this outbox sends."""
        count = ctypes.c_uint32()
        check(self._library.lp_outbox_pending(self._handle, ctypes.byref(count)))
        return count.value

    def close(self) -> None:
        """Closes the outbox, within a second. Threads in wait raise OutboxError. Closing twice is
        harmless."""
        self._close()

    @property
    def closed(self) -> bool:
        """Whether the outbox is closed."""
        return not self._close.alive

    def __enter__(self) -> "Outbox":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def _ask(self, function: Any, *arguments: Any) -> Result:
        """Calls a function that describes an entry."""
        raw = RawResult(self._library)
        result = raw.take(function(self._handle, *arguments, raw.pointer()))
        if not result._describes_entry:
            raise error_of(result)
        return result

    def _check(self, code: int, ext_id: Optional[bytes]) -> None:
        """Raises an exception if a call about an entry failed. The call returns only a code; if it
        was refused, the entry's own message says why."""
        if code == LP_ERR_ARGUMENT:
            entry = self._ask(self._library.lp_outbox_wait, ext_id, 0)
            raise error_of(replace(entry, code=code))
        check(code)
