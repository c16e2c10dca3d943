/*
 * lifepay.h: opens and closes the shifts of cash registers, and prints receipts, through LifePay's
 * cloud fiscalisation.
 *
 * LifePay's page on opening a shift: https://apidoc.life-pay.ru/cloud-print/open-session
 *
 * Usage
 * -----
 *
 *     #include <stdio.h>
 *     #include "lifepay.h"
 *
 *     int main(void)
 *     {
 *         lp_config config;
 *         lp_result result;
 *         lp_config_init(&config, sizeof config);
 *         lp_result_init(&result, sizeof result);
 *         config.apikey = "your API key";
 *         config.login = "79031234567";
 *         config.ext_id = "00106304012797-2026-11-24-1";   // your own, stored before you send
 *         if (lp_open_shift(&config, &result) == LP_OK)
 *             printf("accepted: %s\n", result.uuid ? result.uuid : "(test mode)");
 *         else
 *             fprintf(stderr, "%d %s\n", (int)result.code, result.message);
 *         lp_result_free(&result);
 *         return 0;
 *     }
 *
 *     cc till.c -llifepay
 *
 * Conventions
 * -----------
 *
 * LP_OK         means that LifePay accepted the document for printing. It does not mean that the
 *               shift is open: the report that the cash register prints, a notification to
 *               callback_url or LifePay's personal account shows that.
 * Sending       lp_open_shift and lp_send wait for the answer. lp_outbox_... stores requests on
 *               disk and sends them in the background; a crash or a power cut loses none.
 * Retries       are safe only with the same ext_id: LifePay opens no second shift for it. How long
 *               LifePay remembers an ext_id is not published, nor how it treats a repeated ext_id
 *               of other documents: see lp_send.
 * Not given     is 0, NULL or "", in every field.
 * Strings       are UTF-8 and NUL-terminated, in both directions. Invalid UTF-8 is an argument
 *               error that names the field. Texts for people are in Russian.
 * Threads       Every function may be called from any thread at any time. An lp_result belongs to
 *               one call at a time. lp_open_shift blocks. Connections are kept and shared.
 * Ownership     Arguments are copied before the call returns; you may free or reuse them at once.
 *               The library owns everything a result points to, until the next call with that
 *               result or lp_result_free. Freeing twice, freeing a copy and freeing NULL are
 *               harmless.
 * Structs       start with struct_size, set by lp_..._init. They only grow at the end: a program
 *               compiled with this header works with every later library. Fields have a fixed
 *               width; times are in milliseconds.
 * Errors        Judge a call by its return value, not by its result: a call that cannot write the
 *               result returns LP_ERR_ARGUMENT and leaves the result unchanged. Expect codes that
 *               you do not know.
 * Bad input     NULL, invalid UTF-8 and absurd sizes return LP_ERR_ARGUMENT. A defect of the
 *               library returns LP_ERR_INTERNAL. Out of memory and stack overflow still end the
 *               process.
 * The process   The library installs no signal handlers, raises no SIGPIPE, writes nothing to
 *               stderr and is unaffected by floating-point traps. Its threads block the signals
 *               that a program handles (SIGINT, SIGTERM, SIGALRM, SIGCHLD and others), but not
 *               those that .NET and Mono need on every thread: SIGSEGV, SIGBUS, SIGFPE, SIGILL,
 *               SIGTRAP, SIGSYS, SIGPWR, SIGXCPU and real-time signals. Once used, the library
 *               stays in memory until the process ends: dlclose and FreeLibrary are harmless.
 * Fork          A forked child makes its own connections. A call in whose on_progress it is forked
 *               is the parent's: in the child it sends and receives nothing more, and returns
 *               LP_ERR_CANCELLED unless it was over. If another thread of the parent was inside
 *               the process's first DNS lookup at the fork, glibc's resolver may stay locked in the
 *               child, whose lookups then fail with LP_ERR_TIMEOUT.
 * DNS           A DNS lookup that hangs in the system's resolver may outlive its call; at most one
 *               such thread exists per host name.
 * Versions      A program compiled with this header works with every later library whose soname is
 *               liblifepay.so.0: functions, codes and fields are only added. 1.0 will keep that
 *               soname and this promise. include/symbols.txt lists since which version each
 *               function exists.
 */
#ifndef LIFEPAY_H
#define LIFEPAY_H


#include <stdint.h>

/* Define it to decorate the functions, for example as __declspec(dllimport) or static. */
#ifndef LP_API
#define LP_API
#endif

/* The calling convention of functions and callbacks. */
#if defined(_WIN32)
#define LP_CALL __cdecl
#else
#define LP_CALL
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ----------------------------------------------------------------------------------------------
 * Settings
 * ---------------------------------------------------------------------------------------------- */

/** A time without a limit, in milliseconds. */
#define LP_FOREVER 0xFFFFFFFFu

struct lp_progress;

/**
 * The callback on_progress of lp_config.
 *
 * - progress: valid only during the callback.
 * - user_data: that of the config.
 *
 * Return 0 to continue, any other value to stop the call.
 */
typedef int32_t (LP_CALL *lp_progress_fn)(const struct lp_progress *progress, void *user_data);

/**
 * A request and the settings for sending it. Initialise it with lp_config_init.
 *
 * 0, NULL and "" mean "not given" in every field. Strings are UTF-8 and NUL-terminated; they are
 * copied before the call returns.
 */
typedef struct lp_config {
    /**
     * sizeof(lp_config) in your program, set by lp_config_init.
     */
    uint32_t struct_size;
    /**
     * 0: a fiscal document. 1: test mode; nothing is fiscalised, and LifePay returns no uuid
     * (published for the shift and the Z report; for other documents see their pages).
     */
    int32_t test;
    /**
     * Required. The company's API key in LifePay. It never appears in a log line, a message or a
     * reply.
     */
    const char *apikey;
    /**
     * Required. Login of the company's or the shop's administrator in LifePay, usually a phone
     * number 7xxxxxxxxxx. If it is a shop's with its own printer, the document goes to that
     * printer.
     */
    const char *login;
    /**
     * Optional. The cashier's name.
     */
    const char *cashier_name;
    /**
     * Optional. The cashier's INN (taxpayer number).
     */
    const char *cashier_inn;
    /**
     * Serial number of the fiscal printer. Optional for a shift: LifePay then picks one of the
     * active printers. For other documents see their pages.
     */
    const char *target_serial;
    /**
     * Optional, at most 50 characters. Your own identifier of this request. LifePay opens no
     * second shift for the same ext_id, so a retry with it is safe: store it before you send, and
     * retry with the same one. If it is not given, the library generates a UUID and returns it in
     * lp_result.ext_id; a retry is safe as long as you keep it. See lp_ext_id_new, and lp_send for
     * other documents.
     */
    const char *ext_id;
    /**
     * Optional, at most 255 characters. URL to which LifePay reports the document's status.
     */
    const char *callback_url;
    /**
     * Optional. A string that LifePay sends back to callback_url.
     */
    const char *callback_data;
    /**
     * Optional, instead of callback_data: the text of a JSON object or array, sent unchanged.
     */
    const char *callback_data_json;
    /**
     * Default: https://sapi.life-pay.ru. Plain http is accepted for this machine only (127.0.0.1,
     * ::1, localhost), for the sandbox, because the apikey must not be sent unencrypted.
     */
    const char *base_url;
    /**
     * http://user:password@host:port or https://...; percent-encode special characters. Default:
     * the environment (HTTPS_PROXY, ALL_PROXY, HTTP_PROXY, NO_PROXY) and, on Windows, the system's
     * static setting; neither applies to a base_url on this machine. "none": no proxy. SOCKS
     * proxies and proxies found by a script (PAC) are not supported. If the environment names a
     * SOCKS proxy, the call fails with LP_ERR_ARGUMENT: set this field then. Later attempts read
     * the default again, at most once a second.
     */
    const char *proxy;
    /**
     * Path of a PEM file with root certificates to trust in addition to those of trust. A change
     * of the file takes effect within a second.
     */
    const char *ca_file;
    /**
     * Root certificates to trust: LP_TRUST_.... Verification cannot be turned off.
     */
    int32_t trust;
    /**
     * Time limit of one attempt for resolving the host name, connecting, proxy and TLS, in
     * milliseconds. Default: 10000.
     */
    uint32_t connect_timeout_ms;
    /**
     * Time limit of one attempt as a whole, in milliseconds. Default: 30000.
     */
    uint32_t timeout_ms;
    /**
     * lp_open_shift and lp_send only. 0: one attempt. Otherwise the library retries until LifePay
     * answers or this many milliseconds have passed: an attempt is cut off at this limit, and if
     * the next attempt would start after it, the call returns at once. LP_FOREVER: no limit.
     */
    uint32_t retry_for_ms;
    /**
     * Pauses between attempts in milliseconds: an array of retry_delay_count elements, copied
     * before the call returns; the last one repeats. Default: LifePay's schedule of 1, 3 and 5
     * minutes, then every 10 minutes. A pause under 100 ms counts as 100 ms. If the server's
     * Retry-After is longer (up to a day), it is used instead.
     */
    const uint32_t *retry_delays_ms;
    /**
     * Called on your thread after each failed attempt and otherwise about five times a second. A
     * non-zero return value stops the call within a second with LP_ERR_CANCELLED. The callback may
     * call every function except on the lp_result of this call. It must not throw, longjmp or end
     * the thread. Not used by an outbox.
     */
    lp_progress_fn on_progress;
    /**
     * Passed to on_progress unchanged.
     */
    void *user_data;
    /**
     * Number of elements in retry_delays_ms, at most 1000.
     */
    uint32_t retry_delay_count;
    /**
     * Outbox only. Milliseconds after which a request is not retried any more. Default: 12 hours.
     * LP_FOREVER: never.
     */
    uint32_t expires_after_ms;
    /**
     * Outbox only. Number of requests sent in parallel. Default: 4.
     */
    uint32_t concurrency;
    /**
     * Outbox only. Days for which finished entries are kept. Default: 30.
     */
    uint32_t keep_days;
    /**
     * Required by lp_send, optional for lp_outbox_submit, where a request without it opens a
     * shift. The document's path below base_url, such as /cloud-print/create-z-report: at most 255
     * characters, one / at the beginning, then Latin letters, digits and -._~!$&'()*+,;=:@/
     * without two dots in a row. lp_open_shift refuses path and document_json with
     * LP_ERR_ARGUMENT.
     */
    const char *path;
    /**
     * Optional, for lp_send and lp_outbox_submit. The document's own fields: the text of a JSON
     * object, whose members are sent unchanged after those fields above that are given. It must
     * not contain apikey, login, a field that is given above, or the same member twice.
     */
    const char *document_json;
} lp_config;

/**
 * Sets a config to zeros and its struct_size. Call it first: lp_config_init(&config, sizeof
 * config).
 *
 * - config: yours, size bytes. Nothing in it has to be released.
 *
 * Returns LP_OK, or LP_ERR_ARGUMENT if config is NULL or size is not that of an lp_config. Allowed
 * in a log callback.
 */
LP_API int32_t LP_CALL lp_config_init(
    lp_config *config,
    uint32_t size);

/**
 * Mozilla's roots, which are compiled in, and the system's.
 */
#define LP_TRUST_DEFAULT 0

/**
 * Mozilla's roots only.
 */
#define LP_TRUST_BUNDLED 1

/**
 * The system's roots only.
 */
#define LP_TRUST_SYSTEM 2


/* ----------------------------------------------------------------------------------------------
 * The result of a call
 * ---------------------------------------------------------------------------------------------- */

/**
 * A field of the request and the reason why it is wrong. LifePay's field errors and the library's
 * own argument errors have the same form.
 */
typedef struct lp_field_error {
    /**
     * Name of the field, nested names joined by dots; "" if LifePay named none.
     */
    const char *field;
    /**
     * The reason, in Russian.
     */
    const char *message;
} lp_field_error;

/**
 * The result of a call. Initialise it with lp_result_init, release it with lp_result_free.
 *
 * The library owns everything a result points to. It stays valid until the next call with this
 * result or lp_result_free.
 *
 * Judge a call by its return value: a result that was not initialised is not written, so its code
 * may be 0 although the call returned LP_ERR_ARGUMENT.
 */
typedef struct lp_result {
    /**
     * sizeof(lp_result) in your program, set by lp_result_init.
     */
    uint32_t struct_size;
    /**
     * The call's return value: LP_OK, a code of LifePay's (positive) or LP_ERR_... (negative).
     * LP_ERR_ARGUMENT before the first call and after lp_result_free.
     */
    int32_t code;
    /**
     * Whether LifePay may have the request, over all attempts: LP_OUTCOME_.... Show it to anyone
     * who is about to open the shift by hand. 0: the call says nothing about a request, as
     * lp_outbox_open.
     */
    int32_t outcome;
    /**
     * HTTP status of the last attempt; 0: no answer arrived.
     */
    int32_t http_status;
    /**
     * Number of attempts. If the server closes a kept connection without an answer, the library
     * sends the request again over a new connection within the same attempt. Requests without an
     * ext_id never use a kept connection.
     */
    uint32_t attempts;
    /**
     * If a retry makes sense and is safe: milliseconds to wait before it, which is the schedule's
     * next pause or the server's Retry-After, whichever is longer. Otherwise 0.
     */
    uint32_t retry_after_ms;
    /**
     * Private: identifies the strings that this result owns. Do not modify.
     */
    uint64_t owner;
    /**
     * LifePay's uuid of the document. NULL in test mode, if the answer has none, or if code is not
     * LP_OK.
     */
    const char *uuid;
    /**
     * The ext_id of the request, given or generated. NULL only if the arguments were wrong or
     * lp_send was given none.
     */
    const char *ext_id;
    /**
     * What happened and what to do, in Russian, for a person at the till or on the phone. At most
     * 2000 characters.
     */
    const char *message;
    /**
     * The technical reason, as the system or the TLS library words it, for the log. May be NULL.
     */
    const char *detail;
    /**
     * The body that was received, for a support request. The apikey is masked; NUL and invalid
     * UTF-8 are replaced by U+FFFD. Of a body over 1 MiB these are the first 4096 bytes; an outbox
     * keeps at most 16 KiB. NULL if there was none.
     */
    const char *reply;
    /**
     * error_count elements, at most 100, with texts of at most 1000 characters each; NULL if there
     * are none. message lists as many as fit and says how many more there are; reply has
     * everything LifePay sent.
     */
    const lp_field_error *errors;
    /**
     * Number of elements in errors.
     */
    uint32_t error_count;
    /**
     * Always 0.
     */
    uint32_t reserved;
} lp_result;

/**
 * Initialises a result for its first call: lp_result_init(&result, sizeof result).
 *
 * Sets struct_size to size, code to LP_ERR_ARGUMENT, so that a result that no call has written
 * does not look like LP_OK, and everything else to 0 or NULL. It releases nothing; see
 * lp_result_free.
 *
 * - result: yours, size bytes.
 *
 * Returns LP_OK, or LP_ERR_ARGUMENT if result is NULL or size is not that of an lp_result. Allowed
 * in a log callback.
 */
LP_API int32_t LP_CALL lp_result_init(
    lp_result *result,
    uint32_t size);

/**
 * Releases everything a result owns and initialises it as lp_result_init does. It can be used
 * again at once.
 *
 * - result: yours. Its strings and errors become invalid.
 *
 * Freeing twice, freeing a copy, NULL, or a result that was never initialised is harmless. Allowed
 * in a log callback, except for the result of a call that is running.
 */
LP_API void LP_CALL lp_result_free(lp_result *result);


/* ----------------------------------------------------------------------------------------------
 * Codes: return values, and lp_result.code
 * ---------------------------------------------------------------------------------------------- */

/*
 * 0 and positive codes are LifePay's own, documented or not: LifePay answered; do not retry the
 * request unchanged. Negative codes are the library's. Codes are never reused.
 */

/**
 * LifePay accepted the document for printing. The shift may not be open yet, or the receipt not
 * printed: the cash register's report, a notification to callback_url or LifePay's personal
 * account shows that.
 */
#define LP_OK 0

/**
 * LifePay: «Ошибка данных». lp_result.errors names the fields and the reasons. Correct them and
 * send again.
 */
#define LP_DATA_ERROR 400

/**
 * LifePay: «Внутренняя ошибка сервера». Contact LifePay's support for the cause.
 */
#define LP_SERVER_ERROR 500

/**
 * LifePay: «Неверный формат данных».
 */
#define LP_FORMAT_ERROR 6000

/**
 * LifePay: «Не удалось найти пользователя по login».
 */
#define LP_LOGIN_UNKNOWN 6009

/**
 * LifePay: «Не удалось найти пользователя по login и apikey».
 */
#define LP_CREDENTIALS_UNKNOWN 6010

/**
 * LifePay: «Облачная фискализация запрещена».
 */
#define LP_FISCALIZATION_FORBIDDEN 6080

/**
 * LifePay: «Доступ запрещен».
 */
#define LP_ACCESS_DENIED 6095

/**
 * The request is in the outbox and has no outcome yet.
 */
#define LP_PENDING (-1)

/**
 * The arguments or settings are wrong; lp_result.errors names the fields. This call sent nothing.
 * Correct them and call again.
 */
#define LP_ERR_ARGUMENT (-2)

/**
 * The connection failed or broke. Retry with the same ext_id.
 */
#define LP_ERR_NETWORK (-3)

/**
 * A time limit expired. Retry with the same ext_id.
 */
#define LP_ERR_TIMEOUT (-4)

/**
 * No trusted TLS connection could be made, and nothing was sent over it. lp_result.message says
 * what is wrong with the certificate. Fix the cause (often a wrong system date), then retry with
 * the same ext_id.
 */
#define LP_ERR_TLS (-5)

/**
 * The HTTP status is not 200; see lp_result.http_status. Retry with the same ext_id.
 */
#define LP_ERR_HTTP (-6)

/**
 * The answer is not LifePay's: a captive portal, a broken proxy, or half an answer. Retry with the
 * same ext_id.
 */
#define LP_ERR_REPLY (-7)

/**
 * on_progress or lp_outbox_cancel stopped the request. lp_result.outcome says whether LifePay may
 * have it. If you still need the document, retry with the same ext_id.
 */
#define LP_ERR_CANCELLED (-8)

/**
 * The outbox's file cannot be used; lp_result.message says what to do.
 */
#define LP_ERR_OUTBOX (-9)

/**
 * The outbox has no entry with this ext_id.
 */
#define LP_ERR_NOT_FOUND (-10)

/**
 * The library caught a defect of its own. Please report it with the log. Retry with the same
 * ext_id.
 */
#define LP_ERR_INTERNAL (-11)

/**
 * The outbox is closed.
 */
#define LP_ERR_CLOSED (-12)

/**
 * The request waited in the outbox longer than expires_after_ms and is not retried. If you still
 * need the document: with LP_OUTCOME_NOT_SENT, a new request with any ext_id is safe; otherwise
 * LifePay may have the request, so submit it again with the same ext_id only.
 */
#define LP_ERR_EXPIRED (-13)


/* ----------------------------------------------------------------------------------------------
 * Outcomes: whether LifePay may have the request
 * ---------------------------------------------------------------------------------------------- */

/**
 * No byte of the request left this machine in any attempt.
 */
#define LP_OUTCOME_NOT_SENT 1

/**
 * LifePay may have the request. Retry with the same ext_id only: then LifePay opens no second
 * shift. For other documents see lp_send.
 */
#define LP_OUTCOME_UNKNOWN 2

/**
 * LifePay answered.
 */
#define LP_OUTCOME_ANSWERED 3


/* ----------------------------------------------------------------------------------------------
 * Opening a shift
 * ---------------------------------------------------------------------------------------------- */

/**
 * Opens a shift and waits for LifePay's answer.
 *
 * - config: the request and its settings, copied before the call returns.
 * - result: yours, initialised. What it held before is released after config has been copied, so
 *   config.ext_id may point to result.ext_id. Release it with lp_result_free.
 *
 * Returns the value of result->code:
 *
 * - LP_OK: LifePay accepted the document. The shift may not be open yet.
 * - positive: LifePay's own code. LifePay answered; do not retry the request unchanged.
 * - negative: LP_ERR_.... result->outcome says whether LifePay may have the request. Retry with
 *   the same ext_id after result->retry_after_ms, or set config->retry_for_ms.
 *
 * If result is NULL or was not initialised, nothing is sent, result is not written and the call
 * returns LP_ERR_ARGUMENT. In a log callback nothing is sent either, and result->code is
 * LP_ERR_ARGUMENT.
 *
 * Blocks until LifePay answers, a time limit or retry_for_ms expires, or on_progress stops the
 * call. May be called from any thread.
 */
LP_API int32_t LP_CALL lp_open_shift(
    const lp_config *config,
    lp_result *result);


/* ----------------------------------------------------------------------------------------------
 * Other documents: closing the shift, receipts
 * ---------------------------------------------------------------------------------------------- */

/**
 * Sends any other document of LifePay's cloud print, such as a Z report or a receipt, and waits
 * for the answer.
 *
 * config->path is required and selects the document; config->document_json holds its own fields.
 * LifePay's page about the document describes them; the library does not check them. The request
 * consists of those fields of config that are given (apikey, login, test, cashier_name,
 * cashier_inn, target_serial, ext_id, callback_url, callback_data), followed by the members of
 * document_json.
 *
 * The library generates no ext_id here. That a second request with the same ext_id makes no second
 * document is published for the opening of a shift only; look up on LifePay's page whether it
 * holds for this document. If it does, set ext_id, and retries are as safe as for a shift. If it
 * does not, leave ext_id out: then nothing is sent twice, retry_for_ms and lp_outbox_submit fail
 * with LP_ERR_ARGUMENT, and after LP_OUTCOME_UNKNOWN you must check whether the document was made
 * before you send again. Never use one ext_id for two documents.
 *
 * - config, result: as for lp_open_shift.
 *
 * Returns the value of result->code, as lp_open_shift does. The library reads code, message,
 * errors and uuid from LifePay's answer; everything else is in result->reply. Blocks like
 * lp_open_shift.
 */
LP_API int32_t LP_CALL lp_send(
    const lp_config *config,
    lp_result *result);


/* ----------------------------------------------------------------------------------------------
 * Generating an ext_id
 * ---------------------------------------------------------------------------------------------- */

/**
 * Generates an ext_id: a random UUID of 36 characters and a NUL.
 *
 * Store it, then send with it: then a retry is safe even after a crash.
 *
 * - buffer: yours, size bytes, at least 37.
 *
 * Returns LP_OK, or LP_ERR_ARGUMENT if buffer is NULL or size is below 37; then buffer gets an
 * empty string if it has room for one. Allowed in a log callback.
 */
LP_API int32_t LP_CALL lp_ext_id_new(
    char *buffer,
    uint32_t size);


/* ----------------------------------------------------------------------------------------------
 * Progress
 * ---------------------------------------------------------------------------------------------- */

/**
 * Resolving the host name, connecting, proxy and TLS.
 */
#define LP_PHASE_CONNECT 1

/**
 * Sending the request and waiting for the answer.
 */
#define LP_PHASE_EXCHANGE 2

/**
 * An attempt failed; lp_progress.code and http_status say how.
 */
#define LP_PHASE_FAILED 3

/**
 * Pausing before the next attempt.
 */
#define LP_PHASE_PAUSE 4

/**
 * The state of a call, for on_progress. Valid only during the callback.
 */
typedef struct lp_progress {
    /**
     * sizeof(lp_progress) in the library; fields unknown to your header may follow.
     */
    uint32_t struct_size;
    /**
     * The current phase: LP_PHASE_....
     */
    int32_t phase;
    /**
     * Number of attempts started.
     */
    uint32_t attempts;
    /**
     * Why the last attempt failed: LP_ERR_...; LP_PENDING if none has failed yet.
     */
    int32_t code;
    /**
     * HTTP status of the last failed attempt; 0: no answer arrived.
     */
    int32_t http_status;
    /**
     * Milliseconds since the start of the call.
     */
    uint32_t elapsed_ms;
    /**
     * Milliseconds until the next attempt, in LP_PHASE_FAILED and LP_PHASE_PAUSE. 0 in
     * LP_PHASE_FAILED: there is no further attempt.
     */
    uint32_t next_attempt_ms;
} lp_progress;


/* ----------------------------------------------------------------------------------------------
 * JSON instead of structs
 * ---------------------------------------------------------------------------------------------- */

/**
 * lp_open_shift for languages without structs, and for settings kept in a file.
 *
 * - request: a JSON object, copied before the call returns. Its keys are the fields of lp_config
 *   except struct_size, on_progress, user_data and retry_delay_count: strings and numbers as
 *   there; retry_delays_ms is an array of numbers, and callback_data may also be an object or
 *   array. null means "not given". An unknown key is an argument error.
 * - answer: *answer is set to a JSON object with every field of lp_result except struct_size,
 *   owner and reserved: null where the struct has NULL; errors is an array of {"field",
 *   "message"}. Release it with lp_string_free. It is set to NULL only in a log callback, and if
 *   the library caught a defect of its own while it wrote the answer (LP_ERR_INTERNAL).
 *
 * Returns the same code as lp_open_shift. If answer is NULL, nothing is sent and the call returns
 * LP_ERR_ARGUMENT. There is no on_progress: a call with retry_for_ms cannot be stopped.
 */
LP_API int32_t LP_CALL lp_open_shift_json(
    const char *request,
    char **answer);

/**
 * lp_send with JSON: as lp_open_shift_json, with the keys path and document_json, which may be an
 * object or the text of one.
 */
LP_API int32_t LP_CALL lp_send_json(
    const char *request,
    char **answer);

/**
 * Releases a string returned by a function with _json in its name.
 *
 * NULL, a pointer that is no such string, and one that was freed already are harmless, as long as
 * the library has not returned a new string at the same address since. Allowed in a log callback.
 */
LP_API void LP_CALL lp_string_free(char *string);


/* ----------------------------------------------------------------------------------------------
 * The outbox: requests that survive a crash
 * ---------------------------------------------------------------------------------------------- */

/**
 * An open outbox. The pointer is a number that the library looks up and never dereferences, and it
 * is never reused: after lp_outbox_close, and in a forked child, every call with it returns
 * LP_ERR_CLOSED.
 *
 * A forked child cannot open a file that its parent had open, or was opening or closing, at the
 * fork: fork first, or start a new program. It can open other files.
 */
typedef struct lp_outbox lp_outbox;

/**
 * Opens a file of requests, creates it if it does not exist, and starts to send its pending
 * entries.
 *
 * An outbox is for programs that must not lose a request to a crash or a power cut, or must not
 * block: requests are on disk before their first byte is sent, retried in the background until
 * LifePay answers, and their outcomes are kept.
 *
 * - path: UTF-8, on a local disk; network paths are refused. Files with the same name and -wal,
 *   -shm or -sender-... at the end belong to it.
 * - config: apikey (required; it is not stored), login (for requests without one), base_url,
 *   proxy, trust, ca_file, the time limits of an attempt, retry_delays_ms, concurrency and
 *   keep_days are used. It is copied before the call returns.
 * - outbox: *outbox is set to the outbox, or to NULL on failure. Close it with lp_outbox_close.
 * - result: yours, initialised; release it with lp_result_free. Its ext_id stays NULL.
 *
 * Several processes may have the same file open: each request is sent by one of them at a time,
 * and if that process dies another takes over within a second. They should use the same apikey and
 * the same version of the library: while an earlier version sends, a kind of document that only a
 * later one knows waits. Within one process, use one copy of the library, and do not open the file
 * with your own SQLite, because the locks of both belong to the process.
 *
 * Returns the value of result->code:
 *
 * - LP_OK: the outbox is open. The call itself does not use the network.
 * - LP_ERR_ARGUMENT, LP_ERR_INTERNAL: as for lp_open_shift.
 * - LP_ERR_OUTBOX: the file cannot be used and is left unchanged; result->message says what to do.
 */
LP_API int32_t LP_CALL lp_outbox_open(
    const char *path,
    const lp_config *config,
    lp_outbox **outbox,
    lp_result *result);

/**
 * Stores a request on disk; the outbox sends it in the background. Does not wait for the network.
 *
 * A request without path and document_json opens a shift, as lp_open_shift does. A request with
 * path is that document, as for lp_send. It needs an ext_id, because an outbox retries, and that
 * is safe only if LifePay's page about the document says that a second request with the same
 * ext_id makes no second document.
 *
 * - config: the fields of the request and expires_after_ms are used. If login or apikey is not
 *   given, the outbox's is used; another apikey or base_url than the outbox's is an argument
 *   error, and its other settings are ignored. For a shift without an ext_id one is generated.
 *   config is copied before the call returns.
 * - result: yours, initialised; release it with lp_result_free.
 *
 * expires_after_ms counts on the wall clock, so that yesterday's shift is not opened today. If
 * that clock jumps while a program has the file open, the time that has really passed counts.
 *
 * If the outbox already has an entry with this ext_id:
 *
 * - pending: the entry is sent, under the new expires_after_ms, and a cancellation that has not
 *   taken effect yet is withdrawn. result describes the entry.
 * - accepted: nothing is submitted, and result describes the entry.
 * - pending or accepted, with other fields: LP_ERR_ARGUMENT.
 * - rejected, cancelled or expired: the entry is replaced and sent again.
 * - of another path: LP_ERR_ARGUMENT in every state, until the entry is forgotten.
 *
 * Returns LP_OK if the request is on disk: result->code is then LP_PENDING, or the code with which
 * the entry finished. Otherwise it returns the value of result->code:
 *
 * - LP_ERR_ARGUMENT, LP_ERR_CLOSED, LP_ERR_INTERNAL: the call failed.
 * - LP_ERR_OUTBOX: the request may or may not be on disk; submit it again with the same ext_id. On
 *   Unix, also if the file was deleted or replaced while open: close the outbox and open it again.
 *
 * After a failure result->ext_id is the given or generated one, and result->outcome is
 * LP_OUTCOME_NOT_SENT only if certainly no request with this ext_id was or will be sent.
 */
LP_API int32_t LP_CALL lp_outbox_submit(
    lp_outbox *outbox,
    const lp_config *config,
    lp_result *result);

/**
 * Waits until an entry is finished, and describes it.
 *
 * - ext_id: UTF-8, copied before the call returns.
 * - timeout_ms: how long to wait, in milliseconds. 0 returns at once; LP_FOREVER has no limit.
 * - result: yours, initialised. Its ext_id is the given one, also after a failure.
 *
 * Returns the value of result->code: the code with which the entry finished, or LP_PENDING if it
 * has not. LP_ERR_NOT_FOUND, LP_ERR_CLOSED (also if the outbox is closed during the wait),
 * LP_ERR_ARGUMENT, LP_ERR_OUTBOX and LP_ERR_INTERNAL mean that this call failed; they are not the
 * entry's outcome.
 */
LP_API int32_t LP_CALL lp_outbox_wait(
    lp_outbox *outbox,
    const char *ext_id,
    uint32_t timeout_ms,
    lp_result *result);

/**
 * Stops the retries of an entry and describes it. An attempt under way is cut off within a second;
 * if its answer arrives first, the answer is kept.
 *
 * - ext_id: UTF-8, copied before the call returns.
 * - result: yours, initialised. Its ext_id is the given one, also after a failure; its outcome
 *   says whether LifePay may have the request.
 *
 * Returns LP_OK if the entry is finished: result->code is then LP_ERR_CANCELLED, or the code with
 * which it finished before. It is LP_PENDING if the sender, in another process or with a full
 * disk, has not released the entry within three seconds, or if the entry was submitted again
 * meanwhile. Otherwise returns the value of result->code: LP_ERR_ARGUMENT, LP_ERR_NOT_FOUND,
 * LP_ERR_OUTBOX, LP_ERR_CLOSED or LP_ERR_INTERNAL.
 */
LP_API int32_t LP_CALL lp_outbox_cancel(
    lp_outbox *outbox,
    const char *ext_id,
    lp_result *result);

/**
 * Sends a pending entry at once instead of at its next scheduled attempt, and sends a rejected
 * entry again, so that a mistyped apikey does not ruin a queue.
 *
 * - ext_id: UTF-8, copied before the call returns. NULL or "": all entries that are pending or
 *   rejected and have not expired.
 *
 * It also works during an attempt: if that attempt fails, the next one follows at once.
 *
 * Returns LP_OK, LP_ERR_NOT_FOUND, LP_ERR_OUTBOX, LP_ERR_CLOSED, or LP_ERR_ARGUMENT for an entry
 * that was accepted or cancelled, has expired or belongs to another base_url. lp_outbox_wait with
 * timeout_ms 0 describes the entry, for a message to the cashier.
 */
LP_API int32_t LP_CALL lp_outbox_retry_now(
    lp_outbox *outbox,
    const char *ext_id);

/**
 * Removes a finished entry. The outbox removes finished entries by itself after keep_days.
 *
 * - ext_id: UTF-8, copied before the call returns.
 *
 * Returns LP_OK, LP_ERR_NOT_FOUND, LP_ERR_OUTBOX, LP_ERR_CLOSED, or LP_ERR_ARGUMENT if ext_id is
 * missing or the entry is pending (cancel it first). lp_outbox_wait with timeout_ms 0 describes
 * the entry.
 */
LP_API int32_t LP_CALL lp_outbox_forget(
    lp_outbox *outbox,
    const char *ext_id);

/**
 * Counts the pending entries that this outbox sends.
 *
 * - count: *count is set to their number, or to 0 on failure.
 *
 * Returns LP_OK, LP_ERR_ARGUMENT if count is NULL, LP_ERR_OUTBOX or LP_ERR_CLOSED.
 */
LP_API int32_t LP_CALL lp_outbox_pending(
    lp_outbox *outbox,
    uint32_t *count);

/**
 * The entry is pending. If this flag is clear, the entry is finished.
 */
#define LP_ENTRY_PENDING 1

/**
 * An attempt is under way.
 */
#define LP_ENTRY_SENDING 2

/**
 * The entry belongs to another base_url than the one this outbox was opened with; this outbox does
 * not send it.
 */
#define LP_ENTRY_FOREIGN 4

/**
 * A request in an outbox. Valid only during the callback, with everything it points to. Times are
 * Unix times in milliseconds.
 */
typedef struct lp_entry {
    /**
     * sizeof(lp_entry) in the library; fields unknown to your header may follow.
     */
    uint32_t struct_size;
    /**
     * LP_PENDING, or how the entry finished: LP_OK, a code of LifePay's, LP_ERR_CANCELLED or
     * LP_ERR_EXPIRED.
     */
    int32_t code;
    /**
     * Whether LifePay may have the request: LP_OUTCOME_..., over all attempts, including those
     * before a restart.
     */
    int32_t outcome;
    /**
     * LP_ENTRY_..., combined with |.
     */
    uint32_t flags;
    /**
     * Number of attempts started.
     */
    uint32_t attempts;
    /**
     * HTTP status of the last attempt; 0: no answer arrived.
     */
    int32_t http_status;
    /**
     * When the entry was submitted.
     */
    int64_t submitted_at;
    /**
     * When the next attempt is due; 0: none is. The pause is measured on a clock that does not
     * jump.
     */
    int64_t next_attempt_at;
    /**
     * When the entry finished: answered, cancelled or expired; 0: it is pending.
     */
    int64_t answered_at;
    /**
     * Deadline for retries; 0: none.
     */
    int64_t expires_at;
    /**
     * The request's ext_id.
     */
    const char *ext_id;
    /**
     * The request's login.
     */
    const char *login;
    /**
     * The request's target_serial; NULL if it has none.
     */
    const char *target_serial;
    /**
     * The base_url that the entry belongs to.
     */
    const char *base_url;
    /**
     * LifePay's uuid of the document; NULL if there is none.
     */
    const char *uuid;
    /**
     * The state of the entry, in Russian, for a person at the till.
     */
    const char *message;
    /**
     * The document's path below base_url, /cloud-print/create-session for the opening of a shift.
     * NULL: a kind of document that only a later version of the library knows, and which waits for
     * that version.
     */
    const char *path;
} lp_entry;

/**
 * The callback of lp_outbox_each.
 *
 * - entry: valid only during the callback.
 * - user_data: that of lp_outbox_each.
 *
 * Return 0 to continue, any other value to end the iteration.
 */
typedef int32_t (LP_CALL *lp_entry_fn)(const lp_entry *entry, void *user_data);

/**
 * Calls a callback for every entry, in the order in which the entries were first submitted. The
 * entries are a snapshot of the moment of the call.
 *
 * - callback: a non-zero return value ends the iteration. It may call every function. It must not
 *   throw, longjmp or end the thread.
 * - user_data: passed to the callback unchanged.
 *
 * Returns LP_OK, LP_ERR_ARGUMENT if callback is NULL, LP_ERR_OUTBOX or LP_ERR_CLOSED.
 */
LP_API int32_t LP_CALL lp_outbox_each(
    lp_outbox *outbox,
    lp_entry_fn callback,
    void *user_data);

/**
 * Closes an outbox. Pending entries stay in the file and are sent when it is opened again; a
 * process that ends without closing loses nothing.
 *
 * Attempts under way are cut off, and threads in lp_outbox_wait return LP_ERR_CLOSED. The call
 * returns within a second.
 *
 * On Windows it may be called from DllMain, because it does not wait for threads to end, which
 * need the loader lock. If DllMain is called because the process ends, the system has already
 * ended all other threads: this and most other calls then do nothing and return LP_ERR_CLOSED.
 *
 * Returns LP_OK, or LP_ERR_CLOSED if outbox is closed already, NULL or no outbox.
 */
LP_API int32_t LP_CALL lp_outbox_close(lp_outbox *outbox);

/**
 * lp_outbox_open with JSON.
 *
 * - path, outbox: as for lp_outbox_open.
 * - config: a JSON object as for lp_open_shift_json, with the keys that lp_outbox_open uses.
 * - answer: *answer is set as by lp_open_shift_json; it describes a failure.
 *
 * The functions with _json in their names return what their counterparts with structs return. If
 * answer is NULL, they do nothing and return LP_ERR_ARGUMENT. lp_outbox_retry_now,
 * lp_outbox_forget, lp_outbox_pending and lp_outbox_close need no structs.
 */
LP_API int32_t LP_CALL lp_outbox_open_json(
    const char *path,
    const char *config,
    lp_outbox **outbox,
    char **answer);

/**
 * lp_outbox_submit with JSON.
 *
 * - request: as for lp_open_shift_json, with the keys that lp_outbox_submit uses.
 * - answer: *answer describes the entry, or the failure.
 */
LP_API int32_t LP_CALL lp_outbox_submit_json(
    lp_outbox *outbox,
    const char *request,
    char **answer);

/**
 * lp_outbox_wait with JSON. *answer describes the entry.
 */
LP_API int32_t LP_CALL lp_outbox_wait_json(
    lp_outbox *outbox,
    const char *ext_id,
    uint32_t timeout_ms,
    char **answer);

/**
 * lp_outbox_cancel with JSON. *answer describes the entry.
 */
LP_API int32_t LP_CALL lp_outbox_cancel_json(
    lp_outbox *outbox,
    const char *ext_id,
    char **answer);

/**
 * Returns all entries as JSON: lp_outbox_each without a callback.
 *
 * - answer: *answer is set to a JSON array of objects with every field of lp_entry except
 *   struct_size and flags, and with pending, sending and foreign, which are true or false. If the
 *   entries cannot be read, it is the object of a failed call. Release it with lp_string_free.
 *
 * Returns LP_OK, LP_ERR_ARGUMENT if answer is NULL, LP_ERR_OUTBOX or LP_ERR_CLOSED.
 */
LP_API int32_t LP_CALL lp_outbox_list_json(
    lp_outbox *outbox,
    char **answer);


/* ----------------------------------------------------------------------------------------------
 * The log
 * ---------------------------------------------------------------------------------------------- */

/**
 * The callback of lp_set_log.
 *
 * - level: the line's level, LP_LOG_....
 * - message: one line in UTF-8, valid only during the callback.
 * - user_data: that of lp_set_log.
 */
typedef void (LP_CALL *lp_log_fn)(int32_t level, const char *message, void *user_data);

/**
 * No log.
 */
#define LP_LOG_OFF 0

/**
 * LifePay rejected a request, or the library caught a defect of its own.
 */
#define LP_LOG_ERROR 1

/**
 * Failed attempts, and calls with wrong arguments.
 */
#define LP_LOG_WARN 2

/**
 * Successful attempts.
 */
#define LP_LOG_INFO 3

/**
 * Decisions that the library makes on the way.
 */
#define LP_LOG_DEBUG 4

/**
 * Bodies sent and received, with the apikey masked.
 */
#define LP_LOG_TRACE 5

/**
 * Sets the log callback, replacing the previous one. Returns once no thread is inside the previous
 * callback.
 *
 * It waits for a running callback without a time limit: do not hold a lock that the callback
 * takes.
 *
 * - callback: called with one line in UTF-8, valid only during the callback. NULL: no callback. It
 *   may be called from any thread, and by several at once. It must not throw, longjmp or end the
 *   thread. It may call lp_version, lp_version_number, lp_code_..., lp_config_init, lp_ext_id_new,
 *   lp_string_free, and lp_result_init and lp_result_free except on the result of a running call.
 *   Every other function does nothing there, returns LP_ERR_ARGUMENT and fills its result with it;
 *   *outbox and *answer are set to NULL, *count to 0.
 * - user_data: passed to the callback unchanged.
 * - level: the most verbose level to report, LP_LOG_....
 *
 * Returns LP_OK, or LP_ERR_ARGUMENT if level is not one of LP_LOG_....
 */
LP_API int32_t LP_CALL lp_set_log(
    lp_log_fn callback,
    void *user_data,
    int32_t level);

/**
 * Writes the log to a file, for programs that cannot use a callback. Replaces the previous file.
 *
 * - path: UTF-8, copied before the call returns. NULL or "": no file.
 * - level: the most verbose level to report, LP_LOG_....
 * - max_bytes: the size at which the file is renamed to path + ".old", replacing the previous one,
 *   and a new file is started. 0: 10 MiB. If another program prevents the renaming, the file grows
 *   until it can be renamed. On Windows path + ".rotating" exists during the renaming.
 *
 * A line has the local time with its offset, the library's version, the process and the level; for
 * an attempt also ext_id, number, HTTP status, code and milliseconds. The apikey is in no line.
 *
 * If a till's program cannot be changed, set the environment variable LIFEPAY_LOG to PATH or
 * LEVEL,PATH, where LEVEL is error, warn, info (the default), debug or trace. The library reads it
 * at its first call and logs there in addition; a file that cannot be written is silently ignored.
 *
 * Returns LP_OK, or LP_ERR_ARGUMENT if level is not one of LP_LOG_... or the file cannot be
 * written; then the previous file stays in use.
 */
LP_API int32_t LP_CALL lp_log_to_file(
    const char *path,
    int32_t level,
    uint32_t max_bytes);


/* ----------------------------------------------------------------------------------------------
 * Texts and versions
 * ---------------------------------------------------------------------------------------------- */

/**
 * Returns the name of a code for logs, such as "LP_ERR_TIMEOUT", or "UNKNOWN" for a code without
 * one.
 *
 * The string is static and ASCII, never NULL. Do not free it.
 */
LP_API const char *LP_CALL lp_code_name(int32_t code);

/**
 * Returns a Russian sentence about a code, for a cashier. LifePay's codes have the wording of
 * LifePay's page; unknown codes have a text as well.
 *
 * The string is static and UTF-8, never NULL. Do not free it.
 */
LP_API const char *LP_CALL lp_code_text(int32_t code);

/**
 * Version of this header, to compare with lp_version_number.
 */
#define LP_VERSION_MAJOR 0

/**
 * See LP_VERSION_MAJOR.
 */
#define LP_VERSION_MINOR 1

/**
 * See LP_VERSION_MAJOR.
 */
#define LP_VERSION_PATCH 0

/**
 * Returns the library's version, such as "0.1.0".
 *
 * The string is static, never NULL. Do not free it.
 */
LP_API const char *LP_CALL lp_version(void);

/**
 * Returns the library's version as a number, major * 10000 + minor * 100 + patch: 100 is 0.1.0.
 */
LP_API uint32_t LP_CALL lp_version_number(void);


#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIFEPAY_H */
