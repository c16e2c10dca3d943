/* Sends the same bytes through a bare socket: the lower limit for every client. */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    int socket;
    char request[1024];
    size_t length;
};

void *client_new(const char *base_url, const char *ca_file)
{
    struct client *client = calloc(1, sizeof *client);
    struct sockaddr_in address;
    int on = 1;
    int port;
    (void)ca_file;
    if (!client || sscanf(base_url, "http://127.0.0.1:%d", &port) != 1)
        fail("the raw socket supports only http://127.0.0.1:PORT");
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client->socket, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connect");
    setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client->length = (size_t)snprintf(
        client->request, sizeof client->request,
        "POST " PATH " HTTP/1.1\r\ncontent-length: %zu\r\nuser-agent: lifepay/0.1.0\r\n"
        "host: 127.0.0.1:%d\r\ncontent-type: application/json\r\naccept: application/json\r\n\r\n"
        "%s",
        strlen(REQUEST), port, REQUEST);
    return client;
}

void client_call(void *opaque, char uuid[64])
{
    static const char name[] = "\"uuid\":\"";
    struct client *client = opaque;
    char answer[4096];
    size_t length = 0;
    const char *end;
    if (write(client->socket, client->request, client->length) != (ssize_t)client->length)
        fail("write");
    do {
        ssize_t count = read(client->socket, answer + length, sizeof answer - 1 - length);
        if (count <= 0)
            fail("read");
        length += (size_t)count;
        answer[length] = 0;
        end = strstr(answer, "}}");
    } while (!end);
    end = strstr(answer, name);
    if (!strstr(answer, "\"code\":0,") || !end)
        fail(answer);
    snprintf(uuid, 64, "%.36s", end + strlen(name));
}
