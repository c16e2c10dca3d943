// Runs the tests of all files.
#include "check.hpp"

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::cerr << "usage: " << argv[0] << " SANDBOX_URL SILENT_URL FOLDER\n";
        return 2;
    }
    check::places() = {argv[1], argv[2], argv[3]};
    log_tests();
    shift_tests();
    outbox_tests();
    return 0;
}
