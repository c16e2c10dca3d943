/*
 * A host with its own SQLite, linked with the static library: own_sqlite URL OUTBOX. Both copies of
 * SQLite work, and neither uses the other's functions.
 */
#include "check.h"

int sqlite3_open(const char *path, void **database);
int sqlite3_open_v2(const char *path, void **database, int flags, const char *vfs);
int sqlite3_step(void *statement);

static int calls;

int sqlite3_open(const char *path, void **database)
{
    (void)path, (void)database;
    return ++calls;
}

int sqlite3_open_v2(const char *path, void **database, int flags, const char *vfs)
{
    (void)path, (void)database, (void)flags, (void)vfs;
    return ++calls;
}

int sqlite3_step(void *statement)
{
    (void)statement;
    return ++calls;
}

int main(int argc, char **argv)
{
    lp_config config = config_for(server_of(argc, argv));
    lp_result result = new_result();
    lp_outbox *outbox = NULL;

    CHECK_INT(sqlite3_open(NULL, NULL), 1);
    CHECK_INT(lp_outbox_open(argv[2], &config, &outbox, &result), LP_OK);
    config.ext_id = "own-sqlite";
    CHECK_INT(lp_outbox_submit(outbox, &config, &result), LP_OK);
    CHECK_INT(lp_outbox_wait(outbox, config.ext_id, 10000, &result), LP_OK);
    CHECK_TEXT(result.uuid, "own-sqlite");
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
    CHECK_INT(sqlite3_step(NULL), 2);
    lp_result_free(&result);
    return 0;
}
