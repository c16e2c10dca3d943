/*
 * The component as 1C sees it.
 *
 *     host LIBRARY CASE BASE_URL FOLDER
 *
 * BASE_URL is the sandbox's, for "document" of a server that accepts documents of any path, FOLDER one
 * for files. Says nothing and ends with 0 if all is well.
 */
#include "cases.h"

int main(int count, char **arguments)
{
    CHECK(count == 5);
    Library library(arguments[1]);
    Place place{library, from_ascii(arguments[3]), from_ascii(arguments[4])};
    const std::map<std::string, void (*)(const Place &)> cases = {
        {"exports", exports}, {"life", life},         {"members", members}, {"names", names},
        {"properties", properties}, {"mistakes", mistakes}, {"numbers", numbers},
        {"shift", shift},     {"document", document}, {"json", json},       {"words", words},
        {"outbox", outbox},   {"threads", threads},
    };
    auto found = cases.find(arguments[2]);
    CHECK_SAYS(found != cases.end(), arguments[2]);
    found->second(place);
    return 0;
}
