// The outbox: a full cycle, closing, and exceptions from callbacks.
#include <future>
#include <thread>
#include <type_traits>
#include <utility>

#include "check.hpp"

using namespace std::chrono_literals;
using lifepay::Outbox;

namespace {

std::string file(const std::string &name)
{
    return check::context().folder + "/" + name;
}

lifepay::Request with_ext_id(const std::string &ext_id)
{
    lifepay::Request request;
    request.login = "79031234567";
    request.ext_id = ext_id;
    return request;
}

void a_request_is_submitted_answered_listed_and_forgotten()
{
    lifepay::Request settings = check::request_to(check::context().sandbox);
    settings.concurrency = 2;
    settings.keep_days = 7;
    Outbox outbox(file("cycle.db"), settings);
    CHECK(static_cast<bool>(outbox));

    lifepay::Request request = with_ext_id("cpp-cycle");
    request.target_serial = "00106304012797";
    request.expires_after = 1h;
    const lifepay::Result submitted = outbox.submit(request);
    CHECK(submitted.code == LP_PENDING || submitted.ok());
    CHECK_EQUAL(submitted.ext_id.value(), "cpp-cycle");

    const lifepay::Result answered = outbox.wait("cpp-cycle", 20s);
    CHECK_EQUAL(answered.name(), "LP_OK");
    CHECK(answered.uuid.has_value());
    CHECK(answered.outcome == lifepay::Outcome::answered);
    CHECK_EQUAL(outbox.pending(), 0u);

    const std::vector<lifepay::Entry> entries = outbox.entries();
    CHECK_EQUAL(entries.size(), 1u);
    const lifepay::Entry &entry = entries[0];
    CHECK_EQUAL(entry.ext_id, "cpp-cycle");
    CHECK_EQUAL(entry.login, "79031234567");
    CHECK_EQUAL(entry.target_serial.value(), "00106304012797");
    CHECK_EQUAL(entry.base_url, check::context().sandbox);
    CHECK_EQUAL(entry.path.value(), "/cloud-print/create-session");
    CHECK_EQUAL(entry.uuid.value(), answered.uuid.value());
    CHECK_EQUAL(entry.code, LP_OK);
    CHECK(!entry.pending && !entry.sending && !entry.foreign);
    CHECK_EQUAL(entry.attempts, 1u);
    CHECK(entry.expires_at.value() == entry.submitted_at + 1h);
    CHECK(entry.answered_at.value() >= entry.submitted_at);
    CHECK(!entry.next_attempt_at);
    const auto age = std::chrono::system_clock::now() - entry.submitted_at;
    CHECK(age > -1min && age < 1min);

    outbox.forget("cpp-cycle");
    CHECK(outbox.entries().empty());
    CHECK_EQUAL(CAUGHT(outbox.wait("cpp-cycle", 0s)).code(), LP_ERR_NOT_FOUND);
    CHECK_EQUAL(outbox.close(), LP_OK);
    CHECK_EQUAL(outbox.close(), LP_ERR_CLOSED);
}

void a_rejection_is_an_outcome_that_can_be_made_an_exception()
{
    Outbox outbox(file("rejected.db"), check::request_to(check::context().sandbox));
    lifepay::Request request = with_ext_id("cpp-rejected");
    request.login = "70000000400";
    outbox.submit(request);
    const lifepay::Result result = outbox.wait("cpp-rejected");
    CHECK_EQUAL(result.code, LP_DATA_ERROR);
    CHECK(!result.call_failed());
    CHECK_EQUAL(CAUGHT(result.check()).errors().size(), 1u);

    // retry_now sends it again.
    outbox.retry_now("cpp-rejected");
    CHECK_EQUAL(outbox.wait("cpp-rejected").code, LP_DATA_ERROR);
    CHECK_EQUAL(outbox.entries().at(0).attempts, 2u);
    outbox.retry_now();
    CHECK_EQUAL(outbox.try_retry_now("no-such"), LP_ERR_NOT_FOUND);
}

void an_entry_that_waits_can_be_cancelled()
{
    Outbox outbox(file("cancel.db"), check::request_to(check::context().silent));
    const std::string ext_id = outbox.submit(with_ext_id("cpp-cancel")).ext_id.value();
    CHECK_EQUAL(outbox.wait(ext_id, 0s).code, LP_PENDING);
    CHECK(outbox.wait(ext_id, 10ms).check().code == LP_PENDING);
    CHECK_EQUAL(outbox.pending(), 1u);
    CHECK(outbox.entries().at(0).pending);
    const lifepay::Error pending = CAUGHT(outbox.forget(ext_id));
    CHECK_EQUAL(pending.code(), LP_ERR_ARGUMENT);
    CHECK_EQUAL(pending.message(), outbox.wait(ext_id, 0s).message);

    const lifepay::Result cancelled = outbox.cancel(ext_id);
    CHECK_EQUAL(cancelled.code, LP_ERR_CANCELLED);
    CHECK(!cancelled.call_failed());
    CHECK(cancelled.outcome != lifepay::Outcome::none);
    CHECK_EQUAL(outbox.pending(), 0u);
    const lifepay::Error refused = CAUGHT(outbox.retry_now(ext_id));
    CHECK_EQUAL(refused.code(), LP_ERR_ARGUMENT);
    CHECK_EQUAL(refused.message(), cancelled.message);
    CHECK(refused.outcome() == cancelled.outcome);
    CHECK_EQUAL(refused.ext_id().value(), ext_id);
    CHECK_EQUAL(CAUGHT(outbox.forget("")).errors().at(0).field, "ext_id");
    CHECK_EQUAL(CAUGHT(outbox.cancel("no-such")).code(), LP_ERR_NOT_FOUND);
    CHECK_EQUAL(outbox.try_forget(ext_id), LP_OK);
}

void invalid_requests_are_not_submitted()
{
    Outbox outbox(file("wrong.db"), check::request_to(check::context().silent));
    const lifepay::Error error = CAUGHT(outbox.submit(with_ext_id(std::string(51, 'x'))));
    CHECK_EQUAL(error.code(), LP_ERR_ARGUMENT);
    CHECK_EQUAL(error.errors().at(0).field, "ext_id");
    const lifepay::Result result = outbox.try_submit(with_ext_id(std::string("a\0b", 3)));
    CHECK(result.call_failed());
    CHECK_EQUAL(result.errors.at(0).field, "ext_id");
    CHECK_EQUAL(CAUGHT(outbox.wait(std::string("a\0b", 3), 0s)).code(), LP_ERR_ARGUMENT);
    CHECK_EQUAL(CAUGHT(outbox.wait("a", -1s)).code(), LP_ERR_ARGUMENT);
    CHECK_EQUAL(outbox.try_forget(std::string("a\0b", 3)), LP_ERR_ARGUMENT);
    CHECK(outbox.entries().empty());
}

void an_unusable_file_is_reported()
{
    const lifepay::Request settings = check::request_to(check::context().sandbox);
    const lifepay::Error error = CAUGHT(Outbox(file("no/such/folder.db"), settings));
    CHECK_EQUAL(error.code(), LP_ERR_OUTBOX);
    CHECK(!error.message().empty());
    Outbox outbox;
    CHECK_EQUAL(Outbox::try_open(file("no/such/folder.db"), settings, outbox).code, LP_ERR_OUTBOX);
    CHECK(!outbox);
    CHECK_EQUAL(Outbox::try_open(file("try.db"), settings, outbox).code, LP_OK);
    CHECK(static_cast<bool>(outbox));
    CHECK_EQUAL(CAUGHT(Outbox(std::string("a\0b", 3), settings)).code(), LP_ERR_ARGUMENT);
}

void an_outbox_moves_and_what_it_moved_from_is_closed()
{
    static_assert(!std::is_copy_constructible_v<Outbox> && !std::is_copy_assignable_v<Outbox>);
    static_assert(std::is_nothrow_move_constructible_v<Outbox>);
    static_assert(std::is_nothrow_move_assignable_v<Outbox>);
    const lifepay::Request settings = check::request_to(check::context().silent);
    Outbox first(file("first.db"), settings);
    Outbox second(file("second.db"), settings);
    lp_outbox *const handle_of_first = first.get();
    lp_outbox *const handle_of_second = second.get();
    second = std::move(first);
    CHECK(second.get() == handle_of_first);
    CHECK(!first);
    std::uint32_t count = 0;
    CHECK_EQUAL(lp_outbox_pending(handle_of_second, &count), LP_ERR_CLOSED);
    CHECK_EQUAL(CAUGHT(first.pending()).code(), LP_ERR_CLOSED);
    CHECK_EQUAL(first.try_submit(with_ext_id("a")).code, LP_ERR_CLOSED);
    CHECK_EQUAL(first.try_cancel("a").code, LP_ERR_CLOSED);
    CHECK_EQUAL(CAUGHT(first.entries()).code(), LP_ERR_CLOSED);
    {
        const Outbox third(std::move(second));
        CHECK_EQUAL(third.pending(), 0u);
    }
    CHECK_EQUAL(lp_outbox_pending(handle_of_first, &count), LP_ERR_CLOSED);
}

void close_wakes_waiting_threads()
{
    Outbox outbox(file("close.db"), check::request_to(check::context().silent));
    outbox.submit(with_ext_id("cpp-close"));
    std::promise<void> waits;
    auto waiter = std::async(std::launch::async, [&] {
        waits.set_value();
        return outbox.try_wait("cpp-close").code;
    });
    waits.get_future().wait();
    CHECK_EQUAL(outbox.close(), LP_OK);
    CHECK_EQUAL(waiter.get(), LP_ERR_CLOSED);
}

void pending_entries_are_sent_after_the_next_open()
{
    lifepay::Request request = check::request_to(check::context().sandbox);
    request.target_serial = "00000000000503";
    request.ext_id = "cpp-goes-on";
    {
        request.retry_delays = {1h};
        Outbox outbox(file("goes-on.db"), request);
        outbox.submit(request);
        while (outbox.entries().at(0).attempts == 0 || outbox.entries().at(0).sending)
            std::this_thread::sleep_for(5ms);
        CHECK_EQUAL(outbox.wait("cpp-goes-on", 0s).code, LP_PENDING);
    }
    Outbox outbox(file("goes-on.db"), request);
    outbox.retry_now("cpp-goes-on");
    CHECK_EQUAL(outbox.wait("cpp-goes-on", 20s).code, LP_OK);
    CHECK_EQUAL(outbox.entries().at(0).attempts, 2u);
}

struct ThrownByEach {};

void each_ends_at_false_and_hands_back_what_is_thrown()
{
    Outbox outbox(file("each.db"), check::request_to(check::context().silent));
    outbox.submit(with_ext_id("one"));
    outbox.submit(with_ext_id("two"));
    CHECK_EQUAL(outbox.entries().at(1).ext_id, "two");
    int shown = 0;
    outbox.each([&shown](const lifepay::Entry &) {
        ++shown;
        return false;
    });
    CHECK_EQUAL(shown, 1);
    bool thrown = false;
    try {
        outbox.each([&shown](const lifepay::Entry &) -> bool {
            ++shown;
            throw ThrownByEach();
        });
    } catch (const ThrownByEach &) {
        thrown = true;
    }
    CHECK(thrown);
    CHECK_EQUAL(shown, 2);
    // The callable may call every function.
    outbox.each([&outbox](const lifepay::Entry &entry) {
        outbox.cancel(entry.ext_id);
        return true;
    });
    CHECK_EQUAL(outbox.pending(), 0u);
    CHECK_EQUAL(CAUGHT(outbox.each(nullptr)).code(), LP_ERR_ARGUMENT);
}

} // namespace

void outbox_tests()
{
    RUN(a_request_is_submitted_answered_listed_and_forgotten);
    RUN(a_rejection_is_an_outcome_that_can_be_made_an_exception);
    RUN(an_entry_that_waits_can_be_cancelled);
    RUN(invalid_requests_are_not_submitted);
    RUN(an_unusable_file_is_reported);
    RUN(an_outbox_moves_and_what_it_moved_from_is_closed);
    RUN(close_wakes_waiting_threads);
    RUN(pending_entries_are_sent_after_the_next_open);
    RUN(each_ends_at_false_and_hands_back_what_is_thrown);
}
