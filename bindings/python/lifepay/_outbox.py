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

# A wait is made in pieces of this many milliseconds, between which Ctrl-C is heard.
_PIECE_MS = 200


class Outbox:
    """Requests on disk, sent in the background until LifePay has answered: none is lost to a crash or
    a power cut, and the calls do not wait for the network.

        with lifepay.Outbox("shifts.db", apikey=..., login=...) as outbox:
            ext_id = outbox.submit(ext_id="00106304012797-2026-11-24-1").ext_id
            result = outbox.wait(ext_id, timeout_ms=5000)

    What waits when it is closed stays in the file and goes on when it is opened again. All methods may
    be called from any thread. After close they raise OutboxError with the code LP_ERR_CLOSED.
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
        """Opens a file of requests, makes it if there is none, and begins to send what waits in it.
        No network is used by the call itself.

        path
            On a local disk; network paths are refused.
        apikey
            It is not stored in the file.
        login
            For requests that have none.
        concurrency
            Requests at once. Default: 4.
        keep_days
            Days for which finished entries are kept. Default: 30.

        The others are as in open_shift. Raises InvalidArgument, or OutboxError: its message says what
        to do, and the file is left as it was.
        """
        given = dict(locals())
        self._library = library()
        arguments = Arguments()
        # The file's, and not the document's.
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
        # A number, never given twice: after close it answers LP_ERR_CLOSED.
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
        """Puts a request on disk; it is sent in the background. Does not wait for the network.

        path, document: as in send; then ext_id is required, since an outbox repeats. Without them the
        request opens a shift.

        expires_after_ms: by the wall clock, after which the request is not repeated any more, so that
        yesterday's shift does not open tonight. Default: 12 hours; FOREVER: never. login not given:
        that of the outbox. The others are as in open_shift.

        Returns the entry: ``pending``, or with its outcome if it has one; ``ext_id`` is the one given
        or made. An ext_id that waits or was accepted is not submitted again. Raises InvalidArgument
        (also for an ext_id that is there with another path or different fields): nothing was submitted.
        Raises OutboxError with LP_ERR_OUTBOX: it could not be put on disk for certain, and may be there
        after a restart; submit it again with the error's ``ext_id``.
        """
        given = dict(locals())
        arguments = Arguments()
        config = arguments.config(self._library, given)
        arguments.check()
        return self._ask(self._library.lp_outbox_submit, ctypes.byref(config))

    def wait(self, ext_id: str, timeout_ms: Optional[int] = None) -> Result:
        """Waits for the outcome of an entry, at most timeout_ms; 0 just looks, None and FOREVER have no
        limit.

        Returns the entry: ``pending`` if there is no outcome yet. A rejection, too, is an outcome and
        not an exception; Result.shift and Result.document make it one. Raises OutboxError: there is no
        such entry, or the outbox is closed, also meanwhile. Other threads run on, and Ctrl-C is heard.
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
        """All entries, in the order in which they were first submitted: a snapshot."""
        entries: List[Entry] = []
        self.each(entries.append)
        return entries

    def each(self, function: Callable[[Entry], Any]) -> None:
        """Shows every entry to a function, in the order of entries(). A false value (False, 0, "") ends
        it; a true one and None do not. In lifepay.h it is the other way round: there 0 goes on. The
        function may call everything; what it raises ends it and is raised."""
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
        # A signal's exception in `collect` would be lost, and an entry with it.
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
        """Sends a waiting entry at once and reopens a rejected one; None: all that wait or were
        rejected and have not expired.

        Raises OutboxError, or InvalidArgument for an entry that was accepted, cancelled, has expired or
        belongs to another base_url: its ``message`` and ``outcome`` are those of the entry.
        """
        arguments = Arguments()
        text = arguments.text("ext_id", ext_id)
        arguments.check()
        self._check(self._library.lp_outbox_retry_now(self._handle, text), text)

    def cancel(self, ext_id: str) -> Result:
        """Stops the repeats of an entry. An attempt under way is broken off within a second; if its
        answer comes all the same, it wins.

        Returns the entry: ``code`` is LP_ERR_CANCELLED or the outcome that it had or that has won, and
        ``outcome`` tells whether LifePay may have the request. Raises OutboxError.
        """
        arguments = Arguments()
        text = arguments.text("ext_id", ext_id)
        arguments.check()
        return self._ask(self._library.lp_outbox_cancel, text)

    def forget(self, ext_id: str) -> None:
        """Removes a finished entry. Raises OutboxError, or InvalidArgument for an entry that is pending
        (cancel it first): its ``message`` and ``outcome`` are those of the entry."""
        arguments = Arguments()
        text = arguments.text("ext_id", ext_id)
        arguments.check()
        self._check(self._library.lp_outbox_forget(self._handle, text), text)

    def pending(self) -> int:
        """How many entries wait that this outbox sends."""
        count = ctypes.c_uint32()
        check(self._library.lp_outbox_pending(self._handle, ctypes.byref(count)))
        return count.value

    def close(self) -> None:
        """Closes it, within a second; those who wait, on other threads, wake with OutboxError. Twice is
        harmless."""
        self._close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
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
        """Calls a function that tells an entry."""
        raw = RawResult(self._library)
        result = raw.take(function(self._handle, *arguments, raw.pointer()))
        if not result._is_of_an_entry:
            raise error_of(result)
        return result

    def _check(self, code: int, ext_id: Optional[bytes]) -> None:
        """Raises what a call about an entry has failed with. Such a call returns only a code; if it
        was refused, the entry's own message says why."""
        if code == LP_ERR_ARGUMENT:
            entry = self._ask(self._library.lp_outbox_wait, ext_id, 0)
            raise error_of(replace(entry, code=code))
        check(code)
