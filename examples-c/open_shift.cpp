// Opens a shift from C++17 with lifepay.h alone.
//
//     LIFEPAY_APIKEY=... open_shift_cpp --login 79031234567
//
// Worth copying: Result frees itself, Answer outlives it, and an exception thrown by the progress
// function is rethrown after the call instead of passing through the library.
//
// Exit status: 0 accepted, 1 rejected by LifePay, 2 wrong arguments, 3 not sent, 4 outcome unknown.
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

// An lp_result that frees itself. The library owns its strings: copy those that must outlive it.
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
    std::string target_serial; // empty: LifePay picks one of the active printers
    std::string ext_id;        // empty: a new UUID
    std::string base_url;      // empty: LifePay's server
};

struct Answer {
    std::int32_t code;
    std::int32_t outcome;
    std::optional<std::string> uuid; // empty in test mode and if code is not LP_OK
    std::optional<std::string> ext_id;
    std::string message;
};

// Returns false to stop the call.
using OnProgress = std::function<bool(const lp_progress &)>;

struct ProgressState {
    const OnProgress &on_progress;
    std::exception_ptr thrown;
};

// Calls on_progress for the library. Exceptions must not pass through C code, so they are stored.
extern "C" std::int32_t LP_CALL call_on_progress(const lp_progress *progress,
                                                 void *user_data) noexcept
{
    auto &state = *static_cast<ProgressState *>(user_data);
    try {
        return state.on_progress(*progress) ? 0 : 1;
    } catch (...) {
        state.thrown = std::current_exception();
        return 1;
    }
}

std::optional<std::string> copy(const char *text)
{
    return text ? std::optional<std::string>(text) : std::nullopt;
}

// Throws only what on_progress throws. A rejection by LifePay and a network failure are reported in
// the Answer.
Answer open_shift(const Shift &shift, const OnProgress &on_progress = nullptr)
{
    lp_config config;
    lp_config_init(&config, sizeof config);
    config.apikey = shift.apikey.c_str(); // "" means "not given"
    config.login = shift.login.c_str();
    config.target_serial = shift.target_serial.c_str();
    config.ext_id = shift.ext_id.c_str();
    config.base_url = shift.base_url.c_str();
    ProgressState state{on_progress, nullptr};
    if (on_progress) {
        config.on_progress = call_on_progress;
        config.user_data = &state;
    }

    Result result;
    lp_open_shift(&config, result.get());
    Answer answer{result->code, result->outcome, copy(result->uuid), copy(result->ext_id),
                  result->message};
    // If LifePay answered, the caller must get the answer, even if on_progress threw.
    if (state.thrown && answer.outcome != LP_OUTCOME_ANSWERED)
        std::rethrow_exception(state.thrown);
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
            throw std::invalid_argument(std::string(argv[i]) + " is unknown or has no value");
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
    // Thrown by the progress function: whether LifePay may have the request is unknown here.
    std::cerr << error.what() << '\n';
    return 4;
}
