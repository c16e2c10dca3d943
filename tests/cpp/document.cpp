// Sending other documents: requests, results and refused arguments.
#include <chrono>
#include <utility>

#include "check.hpp"

using namespace std::chrono_literals;
using check::names_field;

namespace {

lifepay::Request z_report()
{
    lifepay::Request request = check::request_to(check::context().accepting);
    request.path = "/cloud-print/create-z-report";
    return request;
}

const char *const document_uuid = "dabe3833-43ff-5e5c-a45e-9cff664503fd";

// tests/bindings/cpp.rs checks the requests that the server got from this test and the next ones.
void a_z_report_has_a_uuid_and_no_ext_id()
{
    lifepay::Request request = z_report();
    request.cashier_name = "Иванова";
    request.target_serial = "00106304012797";
    const lifepay::Document report = lifepay::send(request);
    CHECK_EQUAL(report.uuid.value(), document_uuid);
    CHECK(!report.ext_id);
    CHECK_EQUAL(report.attempts, 1u);
    CHECK(!report.message.empty());
    CHECK(report.reply.value().find(document_uuid) != std::string::npos);
}

void its_members_go_as_they_stand()
{
    lifepay::Request request = z_report();
    request.test = true;
    request.ext_id = "cpp-document";
    request.document_json = R"({"n":1.50,  "ё": [ ]})";
    request.retry_for = 1min;
    const lifepay::Result result = lifepay::try_send(request);
    CHECK(result.ok());
    CHECK(result.outcome == lifepay::Outcome::answered);
    CHECK_EQUAL(result.ext_id.value(), "cpp-document");
}

void a_document_in_json()
{
    const std::string request = R"({"apikey": "s3cr3t-apikey", "login": "79031234567", "base_url": ")" +
                                check::context().accepting +
                                R"(", "proxy": "none", "path": "/cloud-print/create-z-report", )"
                                R"("ext_id": "cpp-document-json", "document_json": {"n":1.50}})";
    const lifepay::JsonAnswer answer = lifepay::send_json(request);
    CHECK_EQUAL(answer.code, LP_OK);
    CHECK(answer.json.find(document_uuid) != std::string::npos);
    CHECK_EQUAL(lifepay::send_json("{").code, LP_ERR_ARGUMENT);
    CHECK_EQUAL(CAUGHT(lifepay::send_json(std::string("{}\0", 3))).code(), LP_ERR_ARGUMENT);
}

void the_outbox_sends_it_and_its_entry_has_the_path()
{
    lifepay::Request request = z_report();
    lifepay::Outbox outbox(check::context().folder + "/documents.db", request);
    // An outbox retries, so it needs an ext_id by which LifePay can recognise the request.
    CHECK(names_field(CAUGHT(outbox.submit(request)).errors(), "ext_id"));
    request.ext_id = "cpp-document-outbox";
    request.document_json = R"({"n":2})";
    outbox.submit(request);
    const lifepay::Result answered = outbox.wait("cpp-document-outbox", 20s);
    CHECK_EQUAL(answered.name(), "LP_OK");
    CHECK_EQUAL(answered.uuid.value(), document_uuid);
    CHECK_EQUAL(outbox.entries().at(0).path.value(), "/cloud-print/create-z-report");
    request.document_json = R"({"n":3})";
    CHECK_EQUAL(CAUGHT(outbox.submit(request)).code(), LP_ERR_ARGUMENT);
}

void a_value_that_is_not_a_document_is_refused_by_name()
{
    lifepay::Request request = z_report();
    request.path.reset();
    CHECK(names_field(CAUGHT(lifepay::send(request)).errors(), "path"));
    request.path = "/a/../b";
    request.document_json = "[]";
    const lifepay::Result result = lifepay::try_send(request);
    CHECK_EQUAL(result.code, LP_ERR_ARGUMENT);
    CHECK(result.outcome == lifepay::Outcome::not_sent);
    CHECK(names_field(result.errors, "path"));
    CHECK(names_field(result.errors, "document_json"));

    // C would take the NUL for the end of the string.
    request.path = std::string("/a\0b", 4);
    request.document_json = std::string("{}\0", 3);
    CHECK_EQUAL(lifepay::try_send(request).errors.size(), 2u);

    // Without an ext_id nothing is retried.
    request = z_report();
    request.retry_for = 1min;
    CHECK(names_field(CAUGHT(lifepay::send(request)).errors(), "ext_id"));
    // A path is refused for a shift.
    CHECK(names_field(CAUGHT(lifepay::open_shift(request)).errors(), "path"));
}

struct ThrownBySend {};

void on_progress_stops_it_and_what_it_throws_comes_back()
{
    lifepay::Request request = z_report();
    request.base_url = check::context().silent;
    request.on_progress = [](const lifepay::Progress &progress) {
        return progress.phase != lifepay::Phase::exchange;
    };
    const lifepay::Error error = CAUGHT(lifepay::send(request));
    CHECK_EQUAL(error.code(), LP_ERR_CANCELLED);
    CHECK(error.outcome() == lifepay::Outcome::unknown);
    CHECK(!error.ext_id());
    request.on_progress = [](const lifepay::Progress &) -> bool { throw ThrownBySend{}; };
    bool thrown = false;
    try {
        lifepay::send(request);
    } catch (const ThrownBySend &) {
        thrown = true;
    }
    CHECK(thrown);
}

} // namespace

void document_tests()
{
    RUN(a_z_report_has_a_uuid_and_no_ext_id);
    RUN(its_members_go_as_they_stand);
    RUN(a_document_in_json);
    RUN(the_outbox_sends_it_and_its_entry_has_the_path);
    RUN(a_value_that_is_not_a_document_is_refused_by_name);
    RUN(on_progress_stops_it_and_what_it_throws_comes_back);
}
