/*
 * An outbox on a network share is refused, in every form of the path: network.
 */
#include "check.h"

int main(void)
{
    static const char *const paths[] = {
        "\\\\server\\share\\shifts.db",
        "//server/share/shifts.db",
        "\\\\?\\UNC\\server\\share\\shifts.db",
    };
    lp_config config = config_for("http://127.0.0.1:1");
    lp_result result = new_result();
    size_t i;

    for (i = 0; i < ARRAY_LENGTH(paths); i++) {
        lp_outbox *outbox = NULL;
        check_begin(paths[i]);
        CHECK_INT(lp_outbox_open(paths[i], &config, &outbox, &result), LP_ERR_OUTBOX);
        /* The message must say "on a network disk", not only that the path cannot be reached. */
        CHECK_HAS(result.message, "\xd1\x81\xd0\xb5\xd1\x82\xd0\xb5\xd0\xb2\xd0\xbe\xd0\xbc \xd0\xb4\xd0\xb8\xd1\x81\xd0\xba\xd0\xb5");
        CHECK(outbox == NULL);
    }
    lp_result_free(&result);
    return 0;
}
