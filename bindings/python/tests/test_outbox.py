"""The outbox."""

import gc
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, List

import pytest
from conftest import LOGIN, SLOW_PRINTER, Call

import lifepay


def opened(path: Path, call: Call, **more: Any) -> lifepay.Outbox:
    return lifepay.Outbox(path / "shifts.db", **{**call, **more})


def test_a_request_is_sent_and_its_outcome_kept(call: Call, tmp_path: Path, ext_id: str) -> None:
    with opened(tmp_path, call) as outbox:
        submitted = outbox.submit(ext_id=ext_id)
        assert submitted.ext_id == ext_id
        result = outbox.wait(ext_id)
        assert result.ok and not result.pending
        assert result.outcome is lifepay.Outcome.ANSWERED
        assert outbox.pending() == 0
    assert outbox.closed
    with opened(tmp_path, call) as outbox:
        again = outbox.wait(ext_id, 0)
        assert again.shift().uuid == result.uuid == lifepay.open_shift(**call, ext_id=ext_id).uuid
        # An ext_id that was accepted is not submitted again.
        assert outbox.submit(ext_id=ext_id).uuid == result.uuid


def test_every_field_arrives(outbox: lifepay.Outbox) -> None:
    # tests/bindings/python.rs checks what the sandbox received.
    outbox.submit(
        ext_id="python-outbox-every-field",
        login="79161234567",
        cashier_name="Иванова",
        cashier_inn="500100732259",
        target_serial="00106304012797",
        callback_url="https://example.com/callback",
        callback_data_json=[{"till": 1}],
        expires_after_ms=lifepay.FOREVER,
    )
    assert outbox.wait("python-outbox-every-field").ok
    (entry,) = outbox.entries()
    assert entry.login == "79161234567"
    assert entry.target_serial == "00106304012797"
    assert entry.expires_at is None


def test_settings_may_be_given_to_an_outbox(call: Call, tmp_path: Path) -> None:
    settings = {
        "proxy": "none",
        "trust": lifepay.Trust.SYSTEM,
        "connect_timeout_ms": 1000,
        "timeout_ms": 2000,
        "retry_delays_ms": [100],
        "concurrency": 1,
        "keep_days": 1,
    }
    with opened(tmp_path, call, **settings) as outbox:
        assert outbox.wait(outbox.submit(test=True).ext_id or "").shift().uuid is None


def test_an_entry_has_all_details(call: Call, tmp_path: Path, closed_port: str) -> None:
    begun = datetime.now(timezone.utc) - timedelta(seconds=1)
    with opened(tmp_path, call, base_url=closed_port) as outbox:
        ids = [outbox.submit(expires_after_ms=3600000).ext_id or "" for _ in range(3)]
        deadline = time.monotonic() + 20
        while not all(entry.attempts and not entry.sending for entry in outbox.entries()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        entries = outbox.entries()
        assert [entry.ext_id for entry in entries] == ids
        entry = entries[0]
        assert entry.pending and not entry.foreign and not entry.sending
        assert entry.flags == lifepay.EntryFlags.PENDING
        assert (entry.code, entry.outcome) == (lifepay.LP_PENDING, lifepay.Outcome.NOT_SENT)
        assert (entry.login, entry.target_serial) == (LOGIN, None)
        assert entry.base_url == closed_port
        assert (entry.attempts, entry.http_status) == (1, 0)
        assert entry.uuid is None and entry.message
        assert begun < entry.submitted_at < datetime.now(timezone.utc) + timedelta(seconds=1)
        assert entry.submitted_at.tzinfo is timezone.utc
        assert entry.next_attempt_at is not None and entry.next_attempt_at > begun
        assert entry.expires_at == entry.submitted_at + timedelta(hours=1)
        assert entry.answered_at is None
        assert outbox.pending() == 3
        result = outbox.wait(ids[0], 0)
        assert result.pending and not result.ok
        with pytest.raises(lifepay.LifePayError) as caught:
            result.shift()
        assert type(caught.value) is lifepay.LifePayError
        assert caught.value.code == lifepay.LP_PENDING
    with opened(tmp_path, call) as outbox:
        assert all(entry.foreign for entry in outbox.entries())
        assert outbox.pending() == 0


def test_wait_ends_after_its_time(call: Call, tmp_path: Path, closed_port: str) -> None:
    with opened(tmp_path, call, base_url=closed_port) as outbox:
        ext_id = outbox.submit().ext_id or ""
        begun = time.monotonic()
        assert outbox.wait(ext_id, timeout_ms=700).pending
        assert 0.6 < time.monotonic() - begun < 5


def test_a_rejection_is_an_outcome_that_retry_now_reopens(outbox: lifepay.Outbox) -> None:
    ext_id = outbox.submit(login="70000006010").ext_id or ""
    result = outbox.wait(ext_id)
    assert result.code == lifepay.LP_CREDENTIALS_UNKNOWN
    assert result.name == "LP_CREDENTIALS_UNKNOWN"
    with pytest.raises(lifepay.Rejected):
        result.shift()
    (entry,) = outbox.entries()
    assert not entry.pending and entry.answered_at
    outbox.retry_now(ext_id)
    assert outbox.wait(ext_id).code == lifepay.LP_CREDENTIALS_UNKNOWN
    assert outbox.entries()[0].attempts == 2
    outbox.retry_now()
    assert outbox.wait(ext_id).code == lifepay.LP_CREDENTIALS_UNKNOWN
    assert outbox.entries()[0].attempts == 3


def test_cancel_and_forget(call: Call, tmp_path: Path, closed_port: str) -> None:
    with opened(tmp_path, call, base_url=closed_port) as outbox:
        ext_id = outbox.submit().ext_id or ""
        with pytest.raises(lifepay.InvalidArgument) as refused:
            outbox.forget(ext_id)
        assert refused.value.message.startswith(lifepay.code_text(lifepay.LP_PENDING))
        result = outbox.cancel(ext_id)
        assert result.code == lifepay.LP_ERR_CANCELLED
        assert result.outcome is lifepay.Outcome.NOT_SENT
        with pytest.raises(lifepay.NotSent):
            result.shift()
        with pytest.raises(lifepay.InvalidArgument) as refused:
            outbox.retry_now(ext_id)
        assert refused.value.code == lifepay.LP_ERR_ARGUMENT
        assert refused.value.message == result.message
        assert refused.value.outcome is lifepay.Outcome.NOT_SENT
        assert refused.value.ext_id == ext_id
        outbox.forget(ext_id)
        assert outbox.entries() == []


def test_a_submit_of_an_accepted_request_is_refused_with_its_message(
    outbox: lifepay.Outbox, ext_id: str
) -> None:
    outbox.submit(ext_id=ext_id)
    accepted = outbox.wait(ext_id)
    with pytest.raises(lifepay.InvalidArgument) as refused:
        outbox.retry_now(ext_id)
    assert refused.value.message == accepted.message
    assert refused.value.outcome is lifepay.Outcome.ANSWERED
    with pytest.raises(lifepay.InvalidArgument) as refused:
        outbox.forget("")
    assert [wrong.field for wrong in refused.value.errors] == ["ext_id"]


def test_an_entry_expires(call: Call, tmp_path: Path, closed_port: str) -> None:
    with opened(tmp_path, call, base_url=closed_port, retry_delays_ms=[100]) as outbox:
        ext_id = outbox.submit(expires_after_ms=300).ext_id or ""
        assert outbox.wait(ext_id).code == lifepay.LP_ERR_EXPIRED


def test_each_shows_entries_and_can_be_ended(outbox: lifepay.Outbox) -> None:
    ids = [outbox.submit().ext_id for _ in range(3)]
    shown: List[str] = []

    def show_two(entry: lifepay.Entry) -> bool:
        shown.append(entry.ext_id)
        # The function may make calls.
        assert outbox.wait(entry.ext_id).ok
        return len(shown) < 2

    outbox.each(show_two)
    assert shown == ids[:2]

    def fail(entry: lifepay.Entry) -> None:
        raise KeyError(entry.ext_id)

    with pytest.raises(KeyError, match=ids[0] or ""):
        outbox.each(fail)


def test_an_unknown_entry_is_an_error(outbox: lifepay.Outbox) -> None:
    for function in (outbox.wait, outbox.cancel, outbox.forget, outbox.retry_now):
        with pytest.raises(lifepay.OutboxError) as caught:
            function("unknown")
        assert caught.value.code == lifepay.LP_ERR_NOT_FOUND


def test_different_fields_for_the_same_ext_id_are_refused(
    outbox: lifepay.Outbox, ext_id: str
) -> None:
    outbox.submit(ext_id=ext_id)
    with pytest.raises(lifepay.InvalidArgument) as caught:
        outbox.submit(ext_id=ext_id, cashier_name="Петрова")
    assert caught.value.errors


def test_a_value_that_c_cannot_represent_is_refused(outbox: lifepay.Outbox) -> None:
    with pytest.raises(lifepay.InvalidArgument):
        outbox.submit(ext_id="cut\0short")
    with pytest.raises(lifepay.InvalidArgument):
        outbox.wait("unknown", -1)
    with pytest.raises(TypeError):
        outbox.wait(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="timeout_ms must be int, not bool"):
        outbox.wait("unknown", True)
    with pytest.raises(TypeError, match="function must be callable, not str"):
        outbox.each("unknown")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="test must be bool, not str"):
        outbox.submit(test="0")  # type: ignore[arg-type]
    assert outbox.entries() == []


def test_after_close_every_call_says_so(call: Call, tmp_path: Path) -> None:
    outbox = opened(tmp_path, call)
    outbox.close()
    outbox.close()
    for function in (outbox.submit, outbox.entries, outbox.pending, outbox.retry_now):
        with pytest.raises(lifepay.OutboxError) as caught:
            function()
        assert caught.value.code == lifepay.LP_ERR_CLOSED


def test_close_wakes_waiting_threads(call: Call, tmp_path: Path) -> None:
    outbox = opened(tmp_path, call)
    ext_id = outbox.submit(target_serial=SLOW_PRINTER).ext_id or ""
    codes: List[int] = []
    begun = threading.Event()

    def wait() -> None:
        begun.set()
        try:
            outbox.wait(ext_id)
        except lifepay.OutboxError as error:
            codes.append(error.code)

    thread = threading.Thread(target=wait)
    thread.start()
    begun.wait()
    outbox.close()
    thread.join(10)
    assert codes == [lifepay.LP_ERR_CLOSED]


def test_an_outbox_that_is_dropped_is_closed(call: Call, tmp_path: Path) -> None:
    outbox = opened(tmp_path, call)
    ended = outbox._close
    assert ended.alive
    del outbox
    gc.collect()
    assert not ended.alive


def test_a_file_that_cannot_be_used_is_an_error(call: Call, tmp_path: Path) -> None:
    (tmp_path / "shifts.db").write_bytes(b"something else" * 1000)
    with pytest.raises(lifepay.OutboxError) as caught:
        opened(tmp_path, call)
    assert caught.value.code == lifepay.LP_ERR_OUTBOX
    assert caught.value.message
    assert (tmp_path / "shifts.db").read_bytes() == b"something else" * 1000
    with pytest.raises(lifepay.InvalidArgument):
        lifepay.Outbox(tmp_path / "other.db", apikey="")
