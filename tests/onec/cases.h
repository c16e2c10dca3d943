/*
 * The host's test cases. In each one, 1C or a program in its language uses the component or makes
 * a mistake.
 */
#ifndef TESTS_ONEC_CASES_H
#define TESTS_ONEC_CASES_H

#include "host.h"

struct Context {
    const Library &library;
    /* The URL of the server: see host.cpp. */
    std::u16string base_url;
    /* A folder for files. */
    std::u16string folder;
};

/* objects.cpp */
void exports(const Context &context);
void life(const Context &context);
void members(const Context &context);
void names(const Context &context);
void properties(const Context &context);
void mistakes(const Context &context);
void numbers(const Context &context);

/* calls.cpp */
void shift(const Context &context);
void document(const Context &context);
void json(const Context &context);
void words(const Context &context);
void outbox(const Context &context);
void threads(const Context &context);

constexpr const char16_t *APIKEY = u"s3cr3t-apikey";

/* Sets the properties that a till has in its settings. */
inline void configure(Object &till, const Context &context)
{
    CHECK(till.set(u"КлючАПИ", APIKEY));
    CHECK(till.set(u"Логин", u"79031234567"));
    CHECK(till.set(u"БазовыйАдрес", context.base_url));
    CHECK(till.set(u"Прокси", u"none"));
}

inline bool has(const std::u16string &text, const std::u16string &part)
{
    return text.find(part) != std::u16string::npos;
}

#endif
