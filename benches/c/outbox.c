/*
 * outbox FILE BASE_URL COUNT: prints the microseconds of each submit, one per line.
 * outbox FILE BASE_URL COUNT PORT: prints the seconds in which COUNT pending entries are drained.
 *
 * The server below BASE_URL must hold its answers, so that attempts are running but no outcome is
 * written while submits are measured. A request to PORT makes it release them.
 */
#include "bench.h"
#include "lifepay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(int32_t code, const lp_result *result)
{
    if (code != LP_OK)
        fail(result && result->message ? result->message : lp_code_name(code));
}

static void release_answers(int port)
{
    static const char request[] = "POST /release HTTP/1.1\r\ncontent-length: 0\r\n\r\n";
    struct sockaddr_in address;
    char answer[256];
    int server = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(server, (struct sockaddr *)&address, sizeof address) != 0 ||
        write(server, request, sizeof request - 1) < 0 ||
        read(server, answer, sizeof answer) <= 0)
        fail("/release");
    close(server);
}

int main(int argc, char **argv)
{
    lp_config config;
    lp_result result;
    lp_outbox *outbox = NULL;
    uint32_t pending = 0;
    int i, count;
    double *times;
    double began = now_us();
    if (argc < 4)
        fail("usage: outbox FILE BASE_URL COUNT [PORT]");
    count = atoi(argv[3]);
    times = calloc((size_t)count, sizeof *times);
    lp_config_init(&config, sizeof config);
    lp_result_init(&result, sizeof result);
    config.apikey = APIKEY;
    config.login = LOGIN;
    config.base_url = argv[2];
    check(lp_outbox_open(argv[1], &config, &outbox, &result), &result);
    for (i = 0; i < count; i++) {
        char ext_id[51];
        double before;
        snprintf(ext_id, sizeof ext_id, "%ld-%.0f-%d", (long)getpid(), began, i);
        before = now_us();
        lp_config_init(&config, sizeof config);
        config.cashier_name = CASHIER_NAME;
        config.cashier_inn = CASHIER_INN;
        config.target_serial = TARGET_SERIAL;
        config.ext_id = ext_id;
        check(lp_outbox_submit(outbox, &config, &result), &result);
        times[i] = now_us() - before;
    }
    if (argc == 4) {
        for (i = 0; i < count; i++)
            printf("%.1f\n", times[i]);
    } else {
        check(lp_outbox_pending(outbox, &pending), NULL);
        if (pending != (uint32_t)count)
            fail("not all entries are pending");
        began = now_us();
        release_answers(atoi(argv[4]));
        while (pending > 0) {
            struct timespec pause = {0, 20 * 1000 * 1000};
            nanosleep(&pause, NULL);
            check(lp_outbox_pending(outbox, &pending), NULL);
        }
        printf("%.3f\n", (now_us() - began) / 1e6);
    }
    check(lp_outbox_close(outbox), NULL);
    lp_result_free(&result);
    free(times);
    return 0;
}
