// Runs the tests of all files.
#include "check.hpp"

int main(int argc, char **argv)
{
    if (argc != 5) {
        std::cerr << "usage: " << argv[0] << " SANDBOX_URL SILENT_URL ACCEPTING_URL FOLDER\n";
        return 2;
    }
    check::context() = {argv[1], argv[2], argv[3], argv[4]};
    log_tests();
    shift_tests();
    document_tests();
    outbox_tests();
    return 0;
}
