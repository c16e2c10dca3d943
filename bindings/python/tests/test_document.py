"""Sending other documents: they are sent unchanged, and the result is returned."""

import json
import sys
from collections import OrderedDict
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from conftest import APIKEY, LOGIN, Call, AcceptingServer

import lifepay

Z_REPORT = "/cloud-print/create-z-report"


@pytest.fixture
def call(accepting: AcceptingServer) -> Call:
    """Arguments that every call needs, for a server that records its requests."""
    return {"apikey": APIKEY, "login": LOGIN, "base_url": accepting.url}


def fields(error: lifepay.LifePayError) -> "list[str]":
    return [wrong.field for wrong in error.errors]


def sent(accepting: AcceptingServer, document: Any, **more: Any) -> str:
    """Sends this document, and returns the part of the request after its login."""
    given = {"apikey": APIKEY, "login": LOGIN, "base_url": accepting.url, **more}
    lifepay.send("/a", document, **given)
    _, body = accepting.requests[-1]
    json.loads(body)
    head = f'{{"apikey":"{APIKEY}","login":"{LOGIN}"'
    assert body.startswith(head)
    return body[len(head) : -1]


def test_a_z_report_is_sent_to_its_path(call: Call, accepting: AcceptingServer) -> None:
    document = lifepay.send(Z_REPORT, **call, cashier_name="Иванова", target_serial="0010")
    assert isinstance(document, lifepay.Document)
    assert document.uuid == AcceptingServer.UUID
    assert document.ext_id is None
    assert (document.attempts, document.http_status) == (1, 200)
    assert document.message
    assert AcceptingServer.UUID in (document.reply or "")
    body = (
        f'{{"apikey":"{APIKEY}","login":"{LOGIN}","cashier_name":"Иванова","target_serial":"0010"}}'
    )
    assert accepting.requests == [(Z_REPORT, body)]


def test_the_documents_fields_follow_those_that_were_given(accepting: AcceptingServer) -> None:
    assert sent(accepting, {"cashier_name": "Ё", "n": 1}, ext_id="z-1", test=True) == (
        ',"test":1,"ext_id":"z-1","cashier_name": "Ё", "n": 1'
    )


def test_a_text_is_sent_unchanged(accepting: AcceptingServer) -> None:
    assert sent(accepting, '{ "b":1.50,"a" : [1.8e308, "ё"] }') == ',"b":1.50,"a" : [1.8e308, "ё"]'


def test_without_a_document_none_is_sent(accepting: AcceptingServer) -> None:
    nothings: "list[Any]" = [None, "", {}, "{}"]
    for nothing in nothings:
        assert sent(accepting, nothing) == ""


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1.50"), "1.50"),
        (Decimal("100"), "100"),
        (Decimal("-0.00"), "-0.00"),
        (Decimal("1E+2"), "1E+2"),
        (Decimal("0.1") * 3, "0.3"),
        (Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
        (1.5, "1.5"),
        (10**30, "1" + "0" * 30),
        (True, "true"),
        (None, "null"),
        ("\0\"ё\n", '"\\u0000\\"ё\\n"'),
        ([1, ("a", {})], '[1, ["a", {}]]'),
        (OrderedDict(b=1, a=2), '{"b": 1, "a": 2}'),
        ({1: 2, None: 3}, '{"1": 2, "null": 3}'),
    ],
)
def test_values_are_written_as_json(accepting: AcceptingServer, value: Any, written: str) -> None:
    assert sent(accepting, {"value": value}) == f',"value": {written}'


def test_any_mapping_will_do(accepting: AcceptingServer) -> None:
    mapping = MappingProxyType({"sums": MappingProxyType({"card": Decimal("1.50")})})
    assert sent(accepting, mapping) == ',"sums": {"card": 1.50}'


def test_other_json_has_decimals_too(call: Call, accepting: AcceptingServer) -> None:
    lifepay.send("/a", **call, callback_data_json=[Decimal("1.50")])
    assert accepting.requests[-1][1].endswith(',"callback_data":[1.50]}')
    answer = lifepay.send_json({**call, "path": "/a", "document_json": {"sum": Decimal("1.50")}})
    assert (answer["code"], answer["uuid"]) == (0, AcceptingServer.UUID)
    assert accepting.requests[-1][1].endswith(',"sum": 1.50}')


def circle() -> "list[Any]":
    inside: "list[Any]" = []
    inside.append(inside)
    return inside


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "NaN"),
        (float("-inf"), "бесконечность"),
        (Decimal("NaN"), "NaN"),
        (Decimal("sNaN"), "NaN"),
        (Decimal("Infinity"), "бесконечность"),
        ("\ud800" + APIKEY, "не Юникод"),
        pytest.param(
            10**5000,
            "слишком длинное число",
            marks=pytest.mark.skipif(
                not hasattr(sys, "set_int_max_str_digits"), reason="Python converts every int"
            ),
        ),
        (circle(), "содержит само себя"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_json_has_not_is_refused_and_not_quoted(
    call: Call, accepting: AcceptingServer, value: Any, expected: str
) -> None:
    with pytest.raises(lifepay.InvalidArgument) as caught:
        lifepay.send("/a", {"value": [value, APIKEY]}, **call)
    (wrong,) = caught.value.errors
    assert wrong.field == "document_json"
    assert expected in wrong.message
    assert caught.value.outcome == lifepay.Outcome.NOT_SENT
    assert APIKEY not in f"{caught.value} {caught.value!r}"
    assert accepting.requests == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"value": {APIKEY}}, "document: JSON has no set"),
        ({"value": [APIKEY.encode()]}, "document: JSON has no bytes"),
        ({"value": {(APIKEY,): 1}}, "document: a key of JSON must be str, not tuple"),
        ([APIKEY], "document must be str or dict, not list"),
        (APIKEY.encode(), "document must be str or dict, not bytes"),
        (1, "document must be str or dict, not int"),
        (True, "document must be str or dict, not bool"),
    ],
)
def test_a_type_that_json_has_not_is_a_type_error(
    call: Call, accepting: AcceptingServer, value: Any, expected: str
) -> None:
    with pytest.raises(TypeError) as caught:
        lifepay.send("/a", value, **call)
    assert str(caught.value) == expected
    assert accepting.requests == []


@pytest.mark.parametrize("path", [None, "", "a", "//a", "/a/../b", "/a?b", "/a" * 128, "/ё"])
def test_an_invalid_path_is_refused_by_name(call: Call, path: Any) -> None:
    with pytest.raises(lifepay.InvalidArgument) as caught:
        lifepay.send(path, **call)
    assert set(fields(caught.value)) == {"path"}


@pytest.mark.parametrize("path", [1, b"/a", Path("/a")])
def test_a_path_of_a_wrong_type_is_a_type_error(call: Call, path: Any) -> None:
    with pytest.raises(TypeError, match=f"^path must be str, not {type(path).__name__}$"):
        lifepay.send(path, **call)


@pytest.mark.parametrize(
    "document",
    ["[]", "{", "1", '{"a":1,"a":2}', {"apikey": "x"}, {"login": "x"}, {"cashier_name": "x"}],
)
def test_an_invalid_document_is_refused_by_name(call: Call, accepting: AcceptingServer, document: Any) -> None:
    with pytest.raises(lifepay.InvalidArgument) as caught:
        lifepay.send("/a", document, **call, cashier_name="Иванова")
    assert set(fields(caught.value)) == {"document_json"}
    assert accepting.requests == []


def test_without_ext_id_nothing_is_repeated(call: Call, accepting: AcceptingServer, outbox: Any) -> None:
    with pytest.raises(lifepay.InvalidArgument) as caught:
        lifepay.send(Z_REPORT, **call, retry_for_ms=1000)
    assert fields(caught.value) == ["ext_id"]
    with pytest.raises(lifepay.InvalidArgument) as caught:
        outbox.submit(path=Z_REPORT)
    assert fields(caught.value) == ["ext_id"]
    assert lifepay.send(Z_REPORT, **call, ext_id="z-1", retry_for_ms=1000).ext_id == "z-1"
    assert len(accepting.requests) == 1


def test_progress_is_reported_and_stops_the_call(call: Call, silent: str) -> None:
    def stop(progress: lifepay.Progress) -> bool:
        return progress.phase != lifepay.Phase.EXCHANGE

    with pytest.raises(lifepay.OutcomeUnknown) as caught:
        lifepay.send(Z_REPORT, **{**call, "base_url": silent}, on_progress=stop)
    assert caught.value.code == lifepay.LP_ERR_CANCELLED
    assert caught.value.ext_id is None


def test_a_shift_has_no_path(call: Call) -> None:
    with pytest.raises(TypeError, match="path"):
        lifepay.open_shift(**call, path="/a")  # type: ignore[call-arg]
    answer = lifepay.open_shift_json({**call, "path": "/a"})
    assert [error["field"] for error in answer["errors"]] == ["path"]


def test_the_outbox_sends_a_document(outbox: lifepay.Outbox, accepting: AcceptingServer) -> None:
    submitted = outbox.submit(path=Z_REPORT, document={"n": Decimal("1.50")}, ext_id="z-1")
    assert submitted.ext_id == "z-1"
    document = outbox.wait("z-1").document()
    assert (document.uuid, document.ext_id) == (AcceptingServer.UUID, "z-1")
    body = f'{{"apikey":"{APIKEY}","login":"{LOGIN}","ext_id":"z-1","n": 1.50}}'
    assert accepting.requests == [(Z_REPORT, body)]
    outbox.wait(outbox.submit().ext_id or "")
    assert [entry.path for entry in outbox.entries()] == [Z_REPORT, "/cloud-print/create-session"]


def test_another_document_of_the_same_ext_id_is_refused(outbox: lifepay.Outbox) -> None:
    outbox.submit(path=Z_REPORT, document={"n": 1}, ext_id="z-1")
    with pytest.raises(lifepay.InvalidArgument):
        outbox.submit(path="/b", document={"n": 1}, ext_id="z-1")
    with pytest.raises(lifepay.InvalidArgument):
        outbox.submit(path=Z_REPORT, document={"n": 2}, ext_id="z-1")


def test_the_outbox_refuses_wrong_types_as_send_does(outbox: lifepay.Outbox, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=f"^path must be str, not {type(tmp_path).__name__}$"):
        outbox.submit(path=tmp_path, ext_id="z-1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="^document must be str or dict, not list$"):
        outbox.submit(path=Z_REPORT, document=[], ext_id="z-1")  # type: ignore[arg-type]
    assert outbox.entries() == []


def test_an_entry_that_is_not_accepted_is_raised_as_a_document_too(
    call: Call, tmp_path: Path, closed_port: str
) -> None:
    with lifepay.Outbox(tmp_path / "none.db", **{**call, "base_url": closed_port}) as outbox:
        outbox.submit(path=Z_REPORT, ext_id="z-1")
        with pytest.raises(lifepay.NotSent):
            outbox.cancel("z-1").document()
