// Logging to a callable and to a file.
#include <atomic>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <thread>

#include "check.hpp"

using lifepay::LogLevel;

namespace {

void attempt()
{
    lifepay::Request request = check::request_to(check::context().sandbox);
    request.ext_id = "cpp-log";
    CHECK(lifepay::try_open_shift(request).ok());
}

void lines_come_to_any_callable_until_it_is_replaced()
{
    // Owned by the callable, so that its destruction can be observed.
    auto lines = std::make_shared<std::vector<std::string>>();
    const std::weak_ptr<std::vector<std::string>> watched = lines;
    lifepay::set_log(
        [lines](LogLevel level, std::string_view line) {
            CHECK(level != LogLevel::off && level <= LogLevel::info);
            lines->emplace_back(line);
        },
        LogLevel::info);
    attempt();
    CHECK(!lines->empty());
    CHECK(lines->back().find("cpp-log") != std::string::npos);
    for (const std::string &line : *lines)
        CHECK(line.find("s3cr3t") == std::string::npos);
    const std::size_t count = lines->size();
    lines.reset();
    CHECK_EQUAL(watched.lock()->size(), count);
    lifepay::set_log(nullptr);
    CHECK(watched.expired());
    attempt();
}

void exceptions_of_a_callable_are_dropped()
{
    int calls = 0;
    lifepay::set_log([&calls](LogLevel, std::string_view) {
        ++calls;
        throw std::runtime_error("on purpose");
    });
    attempt();
    lifepay::set_log(nullptr, LogLevel::off);
    CHECK(calls > 0);
}

void a_callable_may_ask_for_names_and_nothing_else()
{
    std::string name, ext_id;
    lifepay::Result refused;
    std::int32_t refused_log = LP_OK;
    lifepay::set_log([&](LogLevel, std::string_view) {
        name = lifepay::code_name(LP_OK);
        ext_id = lifepay::ext_id_new();
        refused = lifepay::try_open_shift(lifepay::Request());
        refused_log = CAUGHT(lifepay::set_log(nullptr)).code();
    });
    attempt();
    lifepay::set_log(nullptr);
    CHECK_EQUAL(name, "LP_OK");
    CHECK_EQUAL(ext_id.size(), std::size_t{36});
    CHECK_EQUAL(refused.code, LP_ERR_ARGUMENT);
    CHECK_EQUAL(refused.errors.size(), std::size_t{1});
    CHECK_EQUAL(refused_log, LP_ERR_ARGUMENT);
}

void a_level_that_is_none_leaves_the_log_as_it_was()
{
    int calls = 0;
    lifepay::set_log([&calls](LogLevel, std::string_view) { ++calls; });
    const auto other = [](LogLevel, std::string_view) { FAIL("called"); };
    CHECK_EQUAL(CAUGHT(lifepay::set_log(other, static_cast<LogLevel>(99))).code(), LP_ERR_ARGUMENT);
    attempt();
    lifepay::set_log(nullptr);
    CHECK(calls > 0);
}

void callables_are_exchanged_while_others_log()
{
    std::atomic<bool> stop{false};
    std::thread logging([&stop] {
        while (!stop)
            attempt();
    });
    for (int i = 0; i < 200; ++i) {
        auto text = std::make_shared<std::string>("alive");
        lifepay::set_log([text](LogLevel, std::string_view) { CHECK_EQUAL(*text, "alive"); });
    }
    lifepay::set_log(nullptr);
    stop = true;
    logging.join();
}

void the_log_goes_to_a_file()
{
    const std::string path = check::context().folder + "/lifepay.log";
    lifepay::log_to_file(path, LogLevel::info, 1000000);
    attempt();
    lifepay::log_to_file("");
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    CHECK(text.find("ext_id=cpp-log") != std::string::npos);
    CHECK_EQUAL(CAUGHT(lifepay::log_to_file(check::context().folder)).code(), LP_ERR_ARGUMENT);
    CHECK_EQUAL(CAUGHT(lifepay::log_to_file(std::string("a\0b", 3))).code(), LP_ERR_ARGUMENT);
}

} // namespace

void log_tests()
{
    RUN(lines_come_to_any_callable_until_it_is_replaced);
    RUN(exceptions_of_a_callable_are_dropped);
    RUN(a_callable_may_ask_for_names_and_nothing_else);
    RUN(a_level_that_is_none_leaves_the_log_as_it_was);
    RUN(callables_are_exchanged_while_others_log);
    RUN(the_log_goes_to_a_file);
}
