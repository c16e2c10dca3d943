/*
 * Runs one test case, in which it uses the component as 1C does.
 *
 *     host LIBRARY CASE BASE_URL FOLDER
 *
 * BASE_URL is that of the sandbox, or for "document" of a server that accepts documents with any
 * path. FOLDER is a folder for files. If the case passes, the program exits with 0 and prints
 * nothing, except for "names".
 */
#include "cases.h"

int main(int count, char **arguments)
{
    CHECK(count == 5);
    Library library(arguments[1]);
    Context context{library, from_ascii(arguments[3]), from_ascii(arguments[4])};
    const std::map<std::string, void (*)(const Context &)> cases = {
        {"exports", exports}, {"life", life},         {"members", members}, {"names", names},
        {"properties", properties}, {"mistakes", mistakes}, {"numbers", numbers},
        {"shift", shift},     {"document", document}, {"json", json},       {"words", words},
        {"outbox", outbox},   {"threads", threads},
    };
    auto found = cases.find(arguments[2]);
    CHECK_MSG(found != cases.end(), arguments[2]);
    found->second(context);
    return 0;
}
