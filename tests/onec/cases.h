/*
 * The cases of the host, each a way in which 1C, or a program in its language, uses the component
 * or gets it wrong.
 */
#ifndef TESTS_ONEC_CASES_H
#define TESTS_ONEC_CASES_H

#include "host.h"

struct Place {
    const Library &library;
    /* Of the sandbox. */
    std::u16string base_url;
    /* For files. */
    std::u16string folder;
};

/* objects.cpp */
void exports(const Place &place);
void life(const Place &place);
void members(const Place &place);
void names(const Place &place);
void properties(const Place &place);
void mistakes(const Place &place);
void numbers(const Place &place);

/* calls.cpp */
void shift(const Place &place);
void document(const Place &place);
void json(const Place &place);
void words(const Place &place);
void outbox(const Place &place);
void threads(const Place &place);

constexpr const char16_t *APIKEY = u"s3cr3t-apikey";

/* Gives an object what a till has in its settings. */
inline void settle(Object &till, const Place &place)
{
    CHECK(till.set(u"КлючАПИ", APIKEY));
    CHECK(till.set(u"Логин", u"79031234567"));
    CHECK(till.set(u"БазовыйАдрес", place.base_url));
    CHECK(till.set(u"Прокси", u"none"));
}

inline bool has(const std::u16string &text, const std::u16string &part)
{
    return text.find(part) != std::u16string::npos;
}

#endif
