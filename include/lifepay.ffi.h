/*
 * lifepay.ffi.h: lifepay.h for the parsers of foreign function interfaces, such as PHP's FFI::cdef,
 * LuaJIT's ffi.cdef and Python's cffi, which take it as it is: without directives, the codes as an
 * enum. Made of lifepay.h, which says what everything means.
 */

enum {
    LP_FOREVER = 4294967295,
    LP_TRUST_DEFAULT = 0,
    LP_TRUST_BUNDLED = 1,
    LP_TRUST_SYSTEM = 2,
    LP_OK = 0,
    LP_DATA_ERROR = 400,
    LP_SERVER_ERROR = 500,
    LP_FORMAT_ERROR = 6000,
    LP_LOGIN_UNKNOWN = 6009,
    LP_CREDENTIALS_UNKNOWN = 6010,
    LP_FISCALIZATION_FORBIDDEN = 6080,
    LP_ACCESS_DENIED = 6095,
    LP_PENDING = -1,
    LP_ERR_ARGUMENT = -2,
    LP_ERR_NETWORK = -3,
    LP_ERR_TIMEOUT = -4,
    LP_ERR_TLS = -5,
    LP_ERR_HTTP = -6,
    LP_ERR_REPLY = -7,
    LP_ERR_CANCELLED = -8,
    LP_ERR_OUTBOX = -9,
    LP_ERR_NOT_FOUND = -10,
    LP_ERR_INTERNAL = -11,
    LP_ERR_CLOSED = -12,
    LP_ERR_EXPIRED = -13,
    LP_OUTCOME_NOT_SENT = 1,
    LP_OUTCOME_UNKNOWN = 2,
    LP_OUTCOME_ANSWERED = 3,
    LP_PHASE_CONNECT = 1,
    LP_PHASE_EXCHANGE = 2,
    LP_PHASE_FAILED = 3,
    LP_PHASE_PAUSE = 4,
    LP_ENTRY_PENDING = 1,
    LP_ENTRY_SENDING = 2,
    LP_ENTRY_FOREIGN = 4,
    LP_LOG_OFF = 0,
    LP_LOG_ERROR = 1,
    LP_LOG_WARN = 2,
    LP_LOG_INFO = 3,
    LP_LOG_DEBUG = 4,
    LP_LOG_TRACE = 5,
    LP_VERSION_MAJOR = 0,
    LP_VERSION_MINOR = 1,
    LP_VERSION_PATCH = 0
};

struct lp_progress;

typedef int32_t (*lp_progress_fn)(const struct lp_progress *progress, void *user_data);

typedef struct lp_config {
    uint32_t struct_size;
    int32_t test;
    const char *apikey;
    const char *login;
    const char *cashier_name;
    const char *cashier_inn;
    const char *target_serial;
    const char *ext_id;
    const char *callback_url;
    const char *callback_data;
    const char *callback_data_json;
    const char *base_url;
    const char *proxy;
    const char *ca_file;
    int32_t trust;
    uint32_t connect_timeout_ms;
    uint32_t timeout_ms;
    uint32_t retry_for_ms;
    const uint32_t *retry_delays_ms;
    lp_progress_fn on_progress;
    void *user_data;
    uint32_t retry_delay_count;
    uint32_t expires_after_ms;
    uint32_t concurrency;
    uint32_t keep_days;
    const char *path;
    const char *document_json;
} lp_config;

int32_t lp_config_init(
    lp_config *config,
    uint32_t size);

typedef struct lp_field_error {
    const char *field;
    const char *message;
} lp_field_error;

typedef struct lp_result {
    uint32_t struct_size;
    int32_t code;
    int32_t outcome;
    int32_t http_status;
    uint32_t attempts;
    uint32_t retry_after_ms;
    uint64_t owner;
    const char *uuid;
    const char *ext_id;
    const char *message;
    const char *detail;
    const char *reply;
    const lp_field_error *errors;
    uint32_t error_count;
    uint32_t reserved;
} lp_result;

int32_t lp_result_init(
    lp_result *result,
    uint32_t size);

void lp_result_free(lp_result *result);

int32_t lp_open_shift(
    const lp_config *config,
    lp_result *result);

int32_t lp_send(
    const lp_config *config,
    lp_result *result);

int32_t lp_ext_id_new(
    char *buffer,
    uint32_t size);

typedef struct lp_progress {
    uint32_t struct_size;
    int32_t phase;
    uint32_t attempts;
    int32_t code;
    int32_t http_status;
    uint32_t elapsed_ms;
    uint32_t next_attempt_ms;
} lp_progress;

int32_t lp_open_shift_json(
    const char *request,
    char **answer);

int32_t lp_send_json(
    const char *request,
    char **answer);

void lp_string_free(char *string);

typedef struct lp_outbox lp_outbox;

int32_t lp_outbox_open(
    const char *path,
    const lp_config *config,
    lp_outbox **outbox,
    lp_result *result);

int32_t lp_outbox_submit(
    lp_outbox *outbox,
    const lp_config *config,
    lp_result *result);

int32_t lp_outbox_wait(
    lp_outbox *outbox,
    const char *ext_id,
    uint32_t timeout_ms,
    lp_result *result);

int32_t lp_outbox_cancel(
    lp_outbox *outbox,
    const char *ext_id,
    lp_result *result);

int32_t lp_outbox_retry_now(
    lp_outbox *outbox,
    const char *ext_id);

int32_t lp_outbox_forget(
    lp_outbox *outbox,
    const char *ext_id);

int32_t lp_outbox_pending(
    lp_outbox *outbox,
    uint32_t *count);

typedef struct lp_entry {
    uint32_t struct_size;
    int32_t code;
    int32_t outcome;
    uint32_t flags;
    uint32_t attempts;
    int32_t http_status;
    int64_t submitted_at;
    int64_t next_attempt_at;
    int64_t answered_at;
    int64_t expires_at;
    const char *ext_id;
    const char *login;
    const char *target_serial;
    const char *base_url;
    const char *uuid;
    const char *message;
    const char *path;
} lp_entry;

typedef int32_t (*lp_entry_fn)(const lp_entry *entry, void *user_data);

int32_t lp_outbox_each(
    lp_outbox *outbox,
    lp_entry_fn callback,
    void *user_data);

int32_t lp_outbox_close(lp_outbox *outbox);

int32_t lp_outbox_open_json(
    const char *path,
    const char *config,
    lp_outbox **outbox,
    char **answer);

int32_t lp_outbox_submit_json(
    lp_outbox *outbox,
    const char *request,
    char **answer);

int32_t lp_outbox_wait_json(
    lp_outbox *outbox,
    const char *ext_id,
    uint32_t timeout_ms,
    char **answer);

int32_t lp_outbox_cancel_json(
    lp_outbox *outbox,
    const char *ext_id,
    char **answer);

int32_t lp_outbox_list_json(
    lp_outbox *outbox,
    char **answer);

typedef void (*lp_log_fn)(int32_t level, const char *message, void *user_data);

int32_t lp_set_log(
    lp_log_fn callback,
    void *user_data,
    int32_t level);

int32_t lp_log_to_file(
    const char *path,
    int32_t level,
    uint32_t max_bytes);

const char *lp_code_name(int32_t code);

const char *lp_code_text(int32_t code);

const char *lp_version(void);

uint32_t lp_version_number(void);
