// Opens a shift from C++17, with lifepay.h and nothing else.
//
//     LIFEPAY_APIKEY=... open_shift_cpp --login 79031234567
//
// What is worth copying: Result frees itself, an Answer outlives it, and what the progress function
// throws goes around the library and not through it.
//
// Exit status: 0 accepted, 1 LifePay rejected it, 2 wrong arguments, 3 not sent, 4 outcome unknown.
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include "lifepay.h"

namespace {

// An lp_result that is initialised and freed. The library owns its strings: copy what must stay.
class Result {
public:
    Result() { lp_result_init(&raw_, sizeof raw_); }
    ~Result() { lp_result_free(&raw_); }
    Result(const Result &) = delete;
    Result &operator=(const Result &) = delete;

    lp_result *get() { return &raw_; }
    const lp_result *operator->() const { return &raw_; }

private:
    lp_result raw_;
};

struct Shift {
    std::string apikey;
    std::string login;
    std::string target_serial; // empty: LifePay takes one of the active printers
    std::string ext_id;        // empty: a new UUID
    std::string base_url;      // empty: LifePay's
};

struct Answer {
    std::int32_t code;
    std::int32_t outcome;
    std::optional<std::string> uuid; // none in test mode, and if code is not LP_OK
    std::optional<std::string> ext_id;
    std::string message;
};

// False stops.
using OnProgress = std::function<bool(const lp_progress &)>;

struct Watcher {
    const OnProgress &on_progress;
    std::exception_ptr thrown;
};

// Between the library and the function: an exception may not cross C, so it waits in the watcher.
extern "C" std::int32_t LP_CALL tell(const lp_progress *progress, void *user_data) noexcept
{
    auto &watcher = *static_cast<Watcher *>(user_data);
    try {
        return watcher.on_progress(*progress) ? 0 : 1;
    } catch (...) {
        watcher.thrown = std::current_exception();
        return 1;
    }
}

std::optional<std::string> copy(const char *text)
{
    return text ? std::optional<std::string>(text) : std::nullopt;
}

// Throws what on_progress throws, and nothing for what LifePay or the network do: a shift that
// LifePay has rejected is an answer like any other.
Answer open_shift(const Shift &shift, const OnProgress &on_progress = nullptr)
{
    lp_config config;
    lp_config_init(&config, sizeof config);
    config.apikey = shift.apikey.c_str(); // "" is "not given"
    config.login = shift.login.c_str();
    config.target_serial = shift.target_serial.c_str();
    config.ext_id = shift.ext_id.c_str();
    config.base_url = shift.base_url.c_str();
    Watcher watcher{on_progress, nullptr};
    if (on_progress) {
        config.on_progress = tell;
        config.user_data = &watcher;
    }

    Result result;
    lp_open_shift(&config, result.get());
    Answer answer{result->code, result->outcome, copy(result->uuid), copy(result->ext_id),
                  result->message};
    // The caller of a request that was answered must learn the answer, whatever was thrown.
    if (watcher.thrown && answer.outcome != LP_OUTCOME_ANSWERED)
        std::rethrow_exception(watcher.thrown);
    return answer;
}

int exit_status(const Answer &answer)
{
    if (answer.code == LP_OK)
        return 0;
    if (answer.code == LP_ERR_ARGUMENT)
        return 2;
    if (answer.outcome == LP_OUTCOME_ANSWERED)
        return 1;
    return answer.outcome == LP_OUTCOME_NOT_SENT ? 3 : 4;
}

Shift read_arguments(int argc, char **argv)
{
    Shift shift;
    const std::map<std::string, std::string *> options{
        {"--login", &shift.login},
        {"--target-serial", &shift.target_serial},
        {"--ext-id", &shift.ext_id},
        {"--base-url", &shift.base_url},
    };
    for (int i = 1; i < argc; i += 2) {
        const auto option = options.find(argv[i]);
        if (option == options.end() || i + 1 == argc)
            throw std::invalid_argument(std::string(argv[i]) + " is unknown or lacks its value");
        *option->second = argv[i + 1];
    }
    if (const char *apikey = std::getenv("LIFEPAY_APIKEY"))
        shift.apikey = apikey;
    return shift;
}

} // namespace

int main(int argc, char **argv)
try {
    const Answer answer = open_shift(read_arguments(argc, argv), [](const lp_progress &progress) {
        if (progress.phase == LP_PHASE_FAILED)
            std::cerr << "attempt " << progress.attempts << ": " << lp_code_name(progress.code)
                      << '\n';
        return true;
    });
    if (answer.code == LP_OK) {
        std::cout << "uuid: " << answer.uuid.value_or("(none: test mode)") << '\n'
                  << "ext_id: " << answer.ext_id.value_or("") << '\n'
                  << "message: " << answer.message << '\n';
    } else {
        std::cerr << lp_code_name(answer.code) << " (" << answer.code << "): " << answer.message
                  << "\next_id: " << answer.ext_id.value_or("(none)") << '\n';
    }
    return exit_status(answer);
} catch (const std::invalid_argument &error) {
    std::cerr << error.what() << '\n';
    return 2;
} catch (const std::exception &error) {
    // Thrown by the progress function: how far the request had come is not known here.
    std::cerr << error.what() << '\n';
    return 4;
}
