// Shared by the C++ tests. The program prints nothing and exits with 0 if it passes. If a check
// fails, it prints the check with its test and its place, and exits with 1.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "lifepay.hpp"

#define RUN(test) (check::test_name() = #test, test())
#define CHECK(condition) check::that((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(got, wanted) check::equal((got), (wanted), #got, __FILE__, __LINE__)
#define FAIL(why) check::failed((why), __FILE__, __LINE__)
// Evaluates to the lifepay::Error that the call throws.
#define CAUGHT(call) check::caught([&] { call; }, #call, __FILE__, __LINE__)

namespace check {

inline std::string &test_name()
{
    static std::string name;
    return name;
}

[[noreturn]] inline void failed(const std::string &what, const char *file, int line)
{
    std::cerr << file << ':' << line << ": in " << test_name() << ": " << what << std::endl;
    std::_Exit(1);
}

inline void that(bool condition, const char *what, const char *file, int line)
{
    if (!condition)
        failed(std::string(what) + " does not hold", file, line);
}

template <typename Got, typename Wanted>
void equal(const Got &got, const Wanted &wanted, const char *what, const char *file, int line)
{
    if (got == wanted)
        return;
    std::ostringstream text;
    text << what << " is " << got << ", not " << wanted;
    failed(text.str(), file, line);
}

template <typename Call>
lifepay::Error caught(const Call &call, const char *what, const char *file, int line)
{
    try {
        call();
    } catch (const lifepay::Error &error) {
        return error;
    }
    failed(std::string(what) + " throws nothing", file, line);
}

// The servers and the folder that the tests use.
struct Context {
    std::string sandbox;   // simulates LifePay
    std::string silent;    // accepts requests and never answers
    std::string accepting; // accepts every document with any path
    std::string folder;    // an empty folder
};

inline Context &context()
{
    static Context context;
    return context;
}

// Returns a request that is accepted: apikey, login, base_url and no proxy.
inline lifepay::Request request_to(const std::string &base_url)
{
    lifepay::Request request;
    request.apikey = "s3cr3t-apikey";
    request.login = "79031234567";
    request.base_url = base_url;
    request.proxy = "none";
    return request;
}

inline bool names_field(const std::vector<lifepay::FieldError> &errors, const std::string &field)
{
    for (const lifepay::FieldError &error : errors)
        if (error.field == field && !error.message.empty())
            return true;
    return false;
}

} // namespace check

// Each is defined in its own file.
void shift_tests();
void document_tests();
void outbox_tests();
void log_tests();

#endif // CHECK_HPP
