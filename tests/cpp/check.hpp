// What the C++ tests share. A program says nothing and ends with 0, or says which check failed, in
// which test and where, and ends with 1.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "lifepay.hpp"

#define RUN(test) (check::test_name() = #test, test())
#define CHECK(truth) check::that((truth), #truth, __FILE__, __LINE__)
#define CHECK_EQUAL(got, wanted) check::equal((got), (wanted), #got, __FILE__, __LINE__)
#define FAIL(why) check::failed((why), __FILE__, __LINE__)
// The call throws lifepay::Error; its value is that error.
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

inline void that(bool truth, const char *what, const char *file, int line)
{
    if (!truth)
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

// Where the servers of these tests are.
struct Places {
    std::string sandbox; // LifePay's stand-in
    std::string silent;  // takes requests and never answers
    std::string taker;   // accepts every document, whatever its path
    std::string folder;  // an empty one
};

inline Places &places()
{
    static Places places;
    return places;
}

// A request that is accepted: apikey, login, base_url and no proxy.
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

// One file each.
void shift_tests();
void document_tests();
void outbox_tests();
void log_tests();

#endif // CHECK_HPP
