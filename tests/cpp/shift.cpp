// Opening a shift: requests, results, errors and callbacks.
#include <chrono>
#include <type_traits>
#include <utility>

#include "check.hpp"

using namespace std::chrono_literals;

using check::names_field;

namespace {

lifepay::Request to_sandbox()
{
    return check::request_to(check::context().sandbox);
}

lifepay::Request to_silence()
{
    lifepay::Request request = check::request_to(check::context().silent);
    request.timeout = 30s;
    return request;
}

void every_field_arrives()
{
    lifepay::Request request = to_sandbox();
    request.cashier_name = "Иванова";
    request.cashier_inn = "500100732259";
    request.target_serial = "00106304012797";
    request.ext_id = "cpp-every-field";
    request.callback_url = "https://example.com/callback";
    request.callback_data_json = R"({"till": 1})";
    request.connect_timeout = 5s;
    request.timeout = 10s;
    request.retry_for = 1min;
    request.retry_delays = {100ms, 200ms};
    request.trust = lifepay::Trust::bundled;
    const lifepay::Shift shift = lifepay::open_shift(request);
    CHECK(shift.uuid.has_value());
    CHECK_EQUAL(shift.ext_id, "cpp-every-field");
    CHECK_EQUAL(shift.attempts, 1u);
    CHECK(!shift.message.empty());
}

void test_mode_has_no_uuid_and_an_ext_id_is_made()
{
    lifepay::Request request = to_sandbox();
    request.test = true;
    const lifepay::Shift shift = lifepay::open_shift(request);
    CHECK(!shift.uuid);
    CHECK_EQUAL(shift.ext_id.size(), 36u);
}

// Only bool is accepted: C++ would convert "0" and 2 to true, and test mode is not fiscalised.
using Test = decltype(lifepay::Request::test);
static_assert(std::is_assignable_v<Test &, bool>);
static_assert(!std::is_assignable_v<Test &, const char *>);
static_assert(!std::is_assignable_v<Test &, int>);

void the_same_ext_id_gives_the_same_document()
{
    lifepay::Request request = to_sandbox();
    request.ext_id = lifepay::ext_id_new();
    CHECK_EQUAL(request.ext_id->size(), 36u);
    const lifepay::Shift first = lifepay::open_shift(request);
    CHECK_EQUAL(first.uuid.value(), lifepay::open_shift(request).uuid.value());
}

void a_rejection_has_code_and_field_errors()
{
    lifepay::Request request = to_sandbox();
    request.login = "70000000400";
    const lifepay::Error error = CAUGHT(lifepay::open_shift(request));
    CHECK_EQUAL(error.code(), LP_DATA_ERROR);
    CHECK_EQUAL(error.name(), "LP_DATA_ERROR");
    CHECK(error.outcome() == lifepay::Outcome::answered);
    CHECK_EQUAL(error.http_status(), 200);
    CHECK_EQUAL(error.ext_id().value().size(), 36u);
    CHECK_EQUAL(error.errors().size(), 1u);
    CHECK(names_field(error.errors(), error.errors()[0].field));
    CHECK(error.result().reply.has_value());
    const std::string what = error.what();
    CHECK(what.find("LP_DATA_ERROR (400): ") == 0);
    CHECK(what.find(error.errors()[0].message) != std::string::npos);

    const lifepay::Result result = lifepay::try_open_shift(request);
    CHECK_EQUAL(result.code, LP_DATA_ERROR);
    CHECK_EQUAL(result.errors.size(), 1u);
    CHECK(!result.ok());
}

void an_unknown_code_is_passed_on()
{
    lifepay::Request request = to_sandbox();
    request.login = "70000007777";
    const lifepay::Result result = lifepay::try_open_shift(request);
    CHECK_EQUAL(result.code, 7777);
    CHECK_EQUAL(result.name(), "UNKNOWN");
}

void arguments_that_are_wrong_are_named_all_at_once()
{
    lifepay::Request request;
    request.base_url = check::context().sandbox;
    request.ext_id = std::string(51, 'x');
    const lifepay::Error error = CAUGHT(lifepay::open_shift(request));
    CHECK_EQUAL(error.code(), LP_ERR_ARGUMENT);
    CHECK(error.outcome() == lifepay::Outcome::not_sent);
    CHECK(names_field(error.errors(), "apikey"));
    CHECK(names_field(error.errors(), "login"));
    CHECK(names_field(error.errors(), "ext_id"));
    CHECK(!error.ext_id());
}

void a_value_that_c_cannot_represent_is_an_argument_error()
{
    lifepay::Request request = to_sandbox();
    request.ext_id = std::string("cut\0short", 9);
    request.cashier_name = std::string("\xc8\xe2\xe0", 3);
    request.timeout = -1ms;
    request.retry_delays = {-5s};
    const lifepay::Result result = lifepay::try_open_shift(request);
    CHECK_EQUAL(result.code, LP_ERR_ARGUMENT);
    CHECK(result.outcome == lifepay::Outcome::not_sent);
    CHECK(!result.message.empty());
    CHECK(names_field(result.errors, "ext_id"));
    CHECK(names_field(result.errors, "timeout_ms"));
    CHECK(names_field(result.errors, "retry_delays_ms"));
}

void times_beyond_those_of_c_are_without_a_limit()
{
    lifepay::Request request = to_sandbox();
    request.retry_for = std::chrono::milliseconds::max();
    request.target_serial = "00000000000503";
    request.retry_delays = {100ms};
    const lifepay::Shift shift = lifepay::open_shift(request);
    CHECK_EQUAL(shift.attempts, 2u);
}

void progress_is_reported_to_any_callable()
{
    lifepay::Request request = to_sandbox();
    request.target_serial = "00000000000503";
    request.retry_for = 1min;
    request.retry_delays = {100ms};
    std::vector<lifepay::Progress> failures;
    request.on_progress = [&failures](const lifepay::Progress &progress) {
        if (progress.phase == lifepay::Phase::failed)
            failures.push_back(progress);
        return true;
    };
    CHECK_EQUAL(lifepay::open_shift(request).attempts, 2u);
    CHECK_EQUAL(failures.size(), 1u);
    CHECK_EQUAL(failures[0].attempts, 1u);
    CHECK_EQUAL(failures[0].code, LP_ERR_HTTP);
    CHECK_EQUAL(failures[0].http_status, 503);
    CHECK(failures[0].next_attempt == 100ms);
}

void false_from_on_progress_cancels()
{
    lifepay::Request request = to_silence();
    request.on_progress = [](const lifepay::Progress &progress) {
        return progress.phase != lifepay::Phase::exchange;
    };
    const lifepay::Error error = CAUGHT(lifepay::open_shift(request));
    CHECK_EQUAL(error.code(), LP_ERR_CANCELLED);
    CHECK(error.outcome() == lifepay::Outcome::unknown);
    CHECK(!error.result().thrown);
}

struct Thrown {
    int number;
};

void an_exception_in_on_progress_stops_the_call_and_comes_back()
{
    lifepay::Request request = to_silence();
    int calls = 0;
    request.on_progress = [&calls](const lifepay::Progress &progress) -> bool {
        if (progress.phase != lifepay::Phase::exchange)
            return true;
        ++calls;
        throw Thrown{7};
    };
    const auto began = std::chrono::steady_clock::now();
    try {
        lifepay::open_shift(request);
        FAIL("nothing was thrown");
    } catch (const Thrown &thrown) {
        CHECK_EQUAL(thrown.number, 7);
    }
    CHECK(std::chrono::steady_clock::now() - began < 10s);
    CHECK_EQUAL(calls, 1);

    // try_open_shift loses neither the exception nor the outcome of the request.
    const lifepay::Result result = lifepay::try_open_shift(request);
    CHECK_EQUAL(result.code, LP_ERR_CANCELLED);
    CHECK(result.outcome == lifepay::Outcome::unknown);
    CHECK(result.ext_id.has_value());
    try {
        result.check();
        FAIL("nothing was thrown");
    } catch (const Thrown &thrown) {
        CHECK_EQUAL(thrown.number, 7);
    }
}

void nobody_at_the_address_is_not_sent()
{
    lifepay::Request request = check::request_to("http://127.0.0.1:1");
    const lifepay::Error error = CAUGHT(lifepay::open_shift(request));
    CHECK_EQUAL(error.code(), LP_ERR_NETWORK);
    CHECK(error.outcome() == lifepay::Outcome::not_sent);
    CHECK(error.retry_after() == 1min);
    CHECK(error.result().detail.has_value());
}

void an_error_outlives_its_call_and_can_be_copied()
{
    static_assert(std::is_nothrow_copy_constructible_v<lifepay::Error>);
    static_assert(std::is_base_of_v<std::runtime_error, lifepay::Error>);
    lifepay::Error kept{lifepay::Result{}};
    {
        lifepay::Request request = to_sandbox();
        request.login = "70000006010";
        kept = CAUGHT(lifepay::open_shift(request));
    }
    const lifepay::Error copy = kept;
    CHECK_EQUAL(copy.code(), LP_CREDENTIALS_UNKNOWN);
    CHECK_EQUAL(copy.message(), kept.message());
}

void a_raw_result_moves_and_frees_itself()
{
    static_assert(!std::is_copy_constructible_v<lifepay::RawResult>);
    static_assert(std::is_nothrow_move_constructible_v<lifepay::RawResult>);
    lp_config config;
    lp_config_init(&config, sizeof config);
    lifepay::RawResult first;
    CHECK_EQUAL(lp_open_shift(&config, first.get()), LP_ERR_ARGUMENT);
    const std::string message = first->message;
    lifepay::RawResult second(std::move(first));
    CHECK(first->message == nullptr);
    CHECK_EQUAL(second.copy().message, message);
    first = std::move(second);
    CHECK_EQUAL(first.copy().message, message);
    CHECK_EQUAL(lp_open_shift(&config, second.get()), LP_ERR_ARGUMENT);
    first = std::move(second);
    CHECK(first.copy().errors.size() >= 2);
}

void json_in_and_out()
{
    const std::string request = R"({"apikey": "s3cr3t-apikey", "login": "79031234567", "base_url": ")" +
                                check::context().sandbox +
                                R"(", "proxy": "none", "ext_id": "cpp-json"})";
    const lifepay::JsonAnswer answer = lifepay::open_shift_json(request);
    CHECK_EQUAL(answer.code, LP_OK);
    CHECK(answer.json.find("cpp-json") != std::string::npos);
    CHECK_EQUAL(lifepay::open_shift_json("{").code, LP_ERR_ARGUMENT);
    const lifepay::Error error = CAUGHT(lifepay::open_shift_json(std::string("{}\0", 3)));
    CHECK_EQUAL(error.code(), LP_ERR_ARGUMENT);
}

void codes_and_versions_in_words()
{
    CHECK_EQUAL(lifepay::code_name(LP_ERR_TIMEOUT), "LP_ERR_TIMEOUT");
    CHECK(!lifepay::code_text(12345).empty());
    CHECK_EQUAL(lifepay::version_number(),
                LP_VERSION_MAJOR * 10000u + LP_VERSION_MINOR * 100u + LP_VERSION_PATCH);
    CHECK_EQUAL(lifepay::version(), std::to_string(LP_VERSION_MAJOR) + "." +
                                        std::to_string(LP_VERSION_MINOR) + "." +
                                        std::to_string(LP_VERSION_PATCH));
}

} // namespace

void shift_tests()
{
    RUN(every_field_arrives);
    RUN(test_mode_has_no_uuid_and_an_ext_id_is_made);
    RUN(the_same_ext_id_gives_the_same_document);
    RUN(a_rejection_has_code_and_field_errors);
    RUN(an_unknown_code_is_passed_on);
    RUN(arguments_that_are_wrong_are_named_all_at_once);
    RUN(a_value_that_c_cannot_represent_is_an_argument_error);
    RUN(times_beyond_those_of_c_are_without_a_limit);
    RUN(progress_is_reported_to_any_callable);
    RUN(false_from_on_progress_cancels);
    RUN(an_exception_in_on_progress_stops_the_call_and_comes_back);
    RUN(nobody_at_the_address_is_not_sent);
    RUN(an_error_outlives_its_call_and_can_be_copied);
    RUN(a_raw_result_moves_and_frees_itself);
    RUN(json_in_and_out);
    RUN(codes_and_versions_in_words);
}
