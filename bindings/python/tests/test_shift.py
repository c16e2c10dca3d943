"""Opening a shift: the arguments reach LifePay, and the result is returned."""

import pickle
import uuid
from typing import Any

import pytest
from conftest import APIKEY, FAILS_ONCE_PRINTER, RESETTING_PRINTER, Call

import lifepay


def fields(error: lifepay.LifePayError) -> "list[str]":
    return [wrong.field for wrong in error.errors]


def test_every_field_arrives(call: Call) -> None:
    # tests/bindings/python.rs checks what the sandbox received.
    shift = lifepay.open_shift(
        **call,
        cashier_name="Иванова",
        cashier_inn="500100732259",
        target_serial="00106304012797",
        ext_id="python-every-field",
        callback_url="https://example.com/callback",
        callback_data_json={"till": 1, "название": "Касса"},
        proxy="none",
        trust=lifepay.Trust.BUNDLED,
        connect_timeout_ms=5000,
        timeout_ms=10000,
        retry_for_ms=60000,
        retry_delays_ms=[100, 200],
    )
    assert isinstance(shift, lifepay.Shift)
    assert shift.uuid is not None and uuid.UUID(shift.uuid).version == 5
    assert shift.ext_id == "python-every-field"
    assert (shift.attempts, shift.http_status) == (1, 200)
    assert shift.message
    assert shift.uuid in (shift.reply or "")


def test_callback_data_arrives_as_a_string(call: Call) -> None:
    lifepay.open_shift(**call, ext_id="python-callback-data", callback_data='{"till": 1}')


def test_json_may_be_given_as_text_or_as_a_list(call: Call) -> None:
    lifepay.open_shift(**call, callback_data_json='{"till": 1}')
    lifepay.open_shift(**call, callback_data_json=[1, 2])


def test_invalid_json_is_refused_by_name(call: Call) -> None:
    for value in ("{", "1", {"till": float("nan")}):
        with pytest.raises(lifepay.InvalidArgument) as caught:
            lifepay.open_shift(**call, callback_data_json=value)
        assert fields(caught.value) == ["callback_data_json"]


def test_in_test_mode_there_is_no_uuid_and_an_ext_id_is_made(call: Call) -> None:
    shift = lifepay.open_shift(**call, test=True)
    assert shift.uuid is None
    assert len(shift.ext_id) == 36


def test_the_same_ext_id_makes_the_same_document(call: Call, ext_id: str) -> None:
    first = lifepay.open_shift(**call, ext_id=ext_id)
    assert lifepay.open_shift(**call, ext_id=ext_id).uuid == first.uuid


def test_ext_id_new_makes_a_new_uuid_each_time() -> None:
    made = {lifepay.ext_id_new() for _ in range(10)}
    assert len(made) == 10
    assert all(str(uuid.UUID(one)) == one for one in made)


def test_a_rejection_has_lifepays_code_and_field_errors(call: Call) -> None:
    with pytest.raises(lifepay.Rejected) as caught:
        lifepay.open_shift(**{**call, "login": "70000000400"})
    error = caught.value
    assert (error.code, error.name) == (lifepay.LP_DATA_ERROR, "LP_DATA_ERROR")
    assert error.outcome == lifepay.Outcome.ANSWERED
    assert error.http_status == 200
    assert error.attempts == 1
    assert error.retry_after_ms == 0
    assert error.ext_id is not None and len(error.ext_id) == 36
    assert error.message
    (wrong,) = error.errors
    assert isinstance(wrong, lifepay.FieldError)
    assert wrong.field and wrong.message
    assert error.reply is not None and "400" in error.reply
    assert str(error) == f"LP_DATA_ERROR (400): {error.message}; {wrong.field}: {wrong.message}"


@pytest.mark.parametrize("code", [500, 6000, 6009, 6010, 6080, 6095, 7777])
def test_every_code_is_passed_on(call: Call, code: int) -> None:
    with pytest.raises(lifepay.Rejected) as caught:
        lifepay.open_shift(**{**call, "login": f"7000000{code:04}"})
    assert caught.value.code == code
    assert caught.value.name == lifepay.code_name(code)
    assert (code == 7777) == (caught.value.name == "UNKNOWN")


def test_without_a_connection_nothing_was_sent(call: Call, closed_port: str, ext_id: str) -> None:
    with pytest.raises(lifepay.NotSent) as caught:
        lifepay.open_shift(**{**call, "base_url": closed_port}, ext_id=ext_id)
    error = caught.value
    assert (error.code, error.outcome) == (lifepay.LP_ERR_NETWORK, lifepay.Outcome.NOT_SENT)
    assert error.ext_id == ext_id
    assert error.http_status == 0
    assert error.retry_after_ms == 60000
    assert error.detail
    assert error.reply is None


def test_a_lost_connection_leaves_the_outcome_unknown(call: Call, ext_id: str) -> None:
    with pytest.raises(lifepay.OutcomeUnknown) as caught:
        lifepay.open_shift(**call, target_serial=RESETTING_PRINTER, ext_id=ext_id)
    assert caught.value.outcome == lifepay.Outcome.UNKNOWN
    assert caught.value.ext_id == ext_id


def test_a_failed_attempt_is_repeated(call: Call, ext_id: str) -> None:
    shift = lifepay.open_shift(
        **call,
        target_serial=FAILS_ONCE_PRINTER,
        ext_id=ext_id,
        retry_for_ms=lifepay.FOREVER,
        retry_delays_ms=(100,),
    )
    assert shift.attempts == 2


def test_all_wrong_arguments_are_named_at_once() -> None:
    with pytest.raises(lifepay.InvalidArgument) as caught:
        lifepay.open_shift(apikey="", login="", ext_id="x" * 51)
    assert isinstance(caught.value, ValueError)
    assert set(fields(caught.value)) == {"apikey", "login", "ext_id"}
    assert caught.value.outcome == lifepay.Outcome.NOT_SENT
    assert caught.value.ext_id is None


def test_values_that_c_cannot_represent_are_named_at_once(call: Call) -> None:
    with pytest.raises(lifepay.InvalidArgument) as caught:
        lifepay.open_shift(
            **call,
            ext_id="cut\0short",
            cashier_name="\ud800",
            timeout_ms=-1,
            retry_for_ms=2**32,
            retry_delays_ms=[100, 2**32],
            trust=2**31,
        )
    named = {"ext_id", "cashier_name", "timeout_ms", "retry_for_ms", "retry_delays_ms", "trust"}
    assert set(fields(caught.value)) == named
    assert caught.value.code == lifepay.LP_ERR_ARGUMENT


def test_too_many_pauses_are_named_as_they_were_given(call: Call) -> None:
    with pytest.raises(lifepay.InvalidArgument) as caught:
        lifepay.open_shift(**call, retry_delays_ms=[1] * 1001)
    assert fields(caught.value) == ["retry_delays_ms"]


@pytest.mark.parametrize(
    "wrong",
    [
        ({"ext_id": b"bytes"}, "str, not bytes"),
        ({"timeout_ms": "10"}, "int, not str"),
        ({"timeout_ms": 1.5}, "int, not float"),
        ({"timeout_ms": True}, "int, not bool"),
        ({"trust": "1"}, "int, not str"),
        ({"trust": 1.5}, "int, not float"),
        ({"on_progress": 1}, "callable, not int"),
        ({"ca_file": 1}, "str or os.PathLike, not int"),
        ({"retry_delays_ms": 5}, "a sequence of int, not int"),
        ({"retry_delays_ms": "5"}, "a sequence of int, not str"),
        ({"retry_delays_ms": b"5"}, "a sequence of int, not bytes"),
        ({"retry_delays_ms": ["5"]}, "int, not str"),
        ({"retry_delays_ms": [100, None]}, "int, not NoneType"),
        ({"callback_data_json": b"{}"}, "str, dict or list, not bytes"),
    ],
)
def test_a_wrong_type_is_a_type_error(call: Call, wrong: Any) -> None:
    given, expected = wrong
    with pytest.raises(TypeError, match=f"^{next(iter(given))} must be {expected}$"):
        lifepay.open_shift(**call, **given)


@pytest.mark.parametrize("wrong", ["0", "false", "нет", "", 0.0, [1]])
def test_a_value_that_is_not_a_bool_does_not_choose_the_test_mode(
    call: Call, wrong: Any
) -> None:
    with pytest.raises(TypeError, match="^test must be bool, not "):
        lifepay.open_shift(**call, test=wrong)


def test_the_test_mode_is_a_bool_or_0_or_1(call: Call) -> None:
    for test in (False, 0, None):
        assert lifepay.open_shift(**{**call, "test": test}).uuid
    for test in (True, 1):
        assert lifepay.open_shift(**{**call, "test": test}).uuid is None
    for test in (2, -1):
        with pytest.raises(lifepay.InvalidArgument) as caught:
            lifepay.open_shift(**{**call, "test": test})
        assert fields(caught.value) == ["test"]


def test_a_missing_root_certificate_file_is_named(call: Call, tmp_path: Any) -> None:
    with pytest.raises(lifepay.InvalidArgument) as caught:
        lifepay.open_shift(**call, ca_file=tmp_path / "none.pem")
    assert fields(caught.value) == ["ca_file"]


def test_the_apikey_is_in_no_error(call: Call, closed_port: str) -> None:
    attempts: "list[Any]" = [
        {"login": "70000006010"},
        {"base_url": closed_port},
        {"apikey": APIKEY + "\ud800"},
        {"ext_id": APIKEY * 9},
    ]
    for wrong in attempts:
        with pytest.raises(lifepay.LifePayError) as caught:
            lifepay.open_shift(**{**call, **wrong})
        assert APIKEY not in str(caught.value) + repr(caught.value)
        if "ext_id" not in wrong:
            assert APIKEY not in str(caught.value.detail) + str(caught.value.reply)


def test_an_error_can_be_pickled(call: Call) -> None:
    with pytest.raises(lifepay.Rejected) as caught:
        lifepay.open_shift(**{**call, "login": "70000000400"})
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is lifepay.Rejected
    assert copy.result == caught.value.result


def test_json_opens_a_shift_and_answers_with_every_field(call: Call, ext_id: str) -> None:
    answer = lifepay.open_shift_json({**call, "ext_id": ext_id})
    assert answer["code"] == 0
    assert answer["uuid"] == lifepay.open_shift(**call, ext_id=ext_id).uuid
    assert set(answer) >= {"outcome", "http_status", "attempts", "message", "errors", "reply"}


def test_json_names_the_invalid_fields() -> None:
    answer = lifepay.open_shift_json('{"unknown": 1}')
    assert answer["code"] == lifepay.LP_ERR_ARGUMENT
    assert "unknown" in [error["field"] for error in answer["errors"]]
    with pytest.raises(lifepay.InvalidArgument):
        lifepay.open_shift_json("{}\0")


def test_codes_have_words() -> None:
    assert lifepay.code_name(lifepay.LP_ERR_TIMEOUT) == "LP_ERR_TIMEOUT"
    assert lifepay.code_text(lifepay.LP_LOGIN_UNKNOWN) == "Не удалось найти пользователя по login."
    assert lifepay.code_text(12345)
    for unknown in (2**31 - 1, -(2**31)):
        assert lifepay.code_name(unknown) == "UNKNOWN"
        assert lifepay.code_text(unknown)


@pytest.mark.parametrize("words", [lifepay.code_name, lifepay.code_text])
def test_an_invalid_code_has_no_text(words: Any) -> None:
    # C would truncate 2**40 to 0.
    for number in (2**40, 2**31, -(2**31) - 1):
        with pytest.raises(lifepay.InvalidArgument) as caught:
            words(number)
        assert fields(caught.value) == ["code"]
    for wrong in ("0", None, 0.0, True):
        with pytest.raises(TypeError, match="^code must be int, not "):
            words(wrong)


def test_the_versions_are_the_same() -> None:
    assert lifepay.version() == lifepay.__version__
    major, minor, patch = map(int, lifepay.version().split("."))
    assert lifepay.version_number() == major * 10000 + minor * 100 + patch
