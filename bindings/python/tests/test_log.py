"""The log goes to the module logging."""

import logging
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from conftest import APIKEY, Call

import lifepay


@pytest.fixture(autouse=True)
def default_level() -> Iterator[None]:
    yield
    lifepay.set_log_level(lifepay.LogLevel.DEBUG)
    lifepay.log_to_file(None)


def of_lifepay(records: List[logging.LogRecord]) -> List[logging.LogRecord]:
    return [record for record in records if record.name == "lifepay"]


def test_levels_are_loggings(call: Call, caplog: Any, closed_port: str) -> None:
    caplog.set_level(logging.DEBUG, "lifepay")
    lifepay.open_shift(**call)
    with pytest.raises(lifepay.Rejected):
        lifepay.open_shift(**{**call, "login": "70000006010"})
    with pytest.raises(lifepay.NotSent):
        lifepay.open_shift(**{**call, "base_url": closed_port})
    levels = {record.levelno for record in of_lifepay(caplog.records)}
    assert levels >= {logging.INFO, logging.WARNING, logging.ERROR}
    assert levels <= {logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR}
    assert APIKEY not in caplog.text


def test_trace_has_the_bodies_without_the_apikey(call: Call, caplog: Any, ext_id: str) -> None:
    caplog.set_level(1, "lifepay")
    lifepay.open_shift(**call, ext_id=ext_id)
    assert not [record for record in of_lifepay(caplog.records) if record.levelno < logging.DEBUG]
    lifepay.set_log_level(lifepay.LogLevel.TRACE)
    lifepay.open_shift(**call, ext_id=ext_id, cashier_name="100% Иванова")
    traced = [record for record in of_lifepay(caplog.records) if record.levelno == 5]
    assert any("100% Иванова" in record.getMessage() for record in traced)
    assert APIKEY not in caplog.text


def test_off_is_silent(call: Call, caplog: Any) -> None:
    caplog.set_level(1, "lifepay")
    lifepay.set_log_level(lifepay.LogLevel.OFF)
    lifepay.open_shift(**call)
    assert not of_lifepay(caplog.records)
    with pytest.raises(ValueError):
        lifepay.set_log_level(6)


def test_a_handler_may_ask_for_words_and_nothing_else(call: Call) -> None:
    results: List[Any] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if results:
                return
            results.append(lifepay.code_name(-4))
            for forbidden in (
                lambda: lifepay.open_shift(**call),
                lambda: lifepay.set_log_level(lifepay.LogLevel.OFF),
            ):
                try:
                    forbidden()
                except (lifepay.InvalidArgument, RuntimeError) as error:
                    results.append(type(error))

    handler = Handler()
    logger = logging.getLogger("lifepay")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        lifepay.open_shift(**call)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert results == ["LP_ERR_TIMEOUT", lifepay.InvalidArgument, RuntimeError]


def test_an_exception_of_a_handler_does_not_reach_the_library(call: Call, run: Any) -> None:
    ended = run(
        f"""
import lifepay, logging, sys
class Handler(logging.Handler):
    def emit(self, record):
        raise ValueError("mine")
logging.getLogger("lifepay").addHandler(Handler())
logging.getLogger("lifepay").setLevel(logging.INFO)
seen = []
sys.unraisablehook = lambda unraisable: seen.append(repr(unraisable.exc_value))
shift = lifepay.open_shift(**{call!r})
print(bool(shift.uuid), seen)
"""
    )
    assert ended.stdout == "True [\"ValueError('mine')\"]\n", ended.stderr


def test_nothing_is_printed_unless_the_program_sets_up_logging(call: Call, run: Any) -> None:
    program = f"""
import lifepay
try:
    lifepay.open_shift(**{ {**call, "login": "70000006010"}!r})
except lifepay.Rejected:
    print("rejected")
"""
    ended = run(program)
    assert (ended.stdout, ended.stderr) == ("rejected\n", "")
    ended = run("import logging; logging.basicConfig(level=logging.INFO)\n" + program)
    assert "ERROR:lifepay:" in ended.stderr


def test_the_log_may_go_to_a_file(call: Call, tmp_path: Path, ext_id: str) -> None:
    file = tmp_path / "журнал.log"
    lifepay.log_to_file(file, lifepay.LogLevel.INFO, max_bytes=100000)
    lifepay.open_shift(**call, ext_id=ext_id)
    lifepay.log_to_file(None)
    written = file.read_text("utf-8")
    assert ext_id in written
    lifepay.open_shift(**call, ext_id=ext_id)
    assert file.read_text("utf-8") == written
    with pytest.raises(lifepay.InvalidArgument) as caught:
        lifepay.log_to_file(tmp_path / "none" / "log")
    assert [error.field for error in caught.value.errors] == ["path"]
    assert caught.value.outcome == lifepay.Outcome.NONE
    assert "нельзя писать" in caught.value.message
    assert "отправлено" not in str(caught.value)
