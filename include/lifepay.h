/*
 * lifepay.h: opens a cash-register shift through LifePay's cloud fiscalisation, and closes it,
 * and prints receipts between.
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
 * LP_OK         means that LifePay took the document for printing. Nothing in this library says
 *               that a shift is open: the report that the cash register prints, a notification to
 *               callback_url or LifePay's personal account does.
 * Two ways      to send: lp_open_shift and lp_send wait for the answer; lp_outbox_... keeps requests
 *               on disk, sends them in the background, and loses none to a crash or a power cut.
 * Repeats       are safe with the same ext_id only: LifePay opens no second shift for it. For how
 *               long LifePay remembers an ext_id is not published, nor what it does for every other
 *               document: see lp_send.
 * Not given     is 0, NULL or "", in every field.
 * Strings       are UTF-8 and end in NUL, in both directions. What is not UTF-8 is refused, and
 *               named. Texts for people are in Russian.
 * Calls         are cdecl, which is the compilers' default: do not include this header where another
 *               convention is set as the default (/Gz, -ps). Each may be made from any thread, at any time; one lp_result belongs to
 *               one call at a time. lp_open_shift blocks; connections are kept and shared.
 * Ownership     What you pass is borrowed for the call and copied by it. What a result points to
 *               is the library's, until the next call with that result or lp_result_free. Freeing
 *               twice, freeing a copy and freeing NULL are harmless.
 * Structs       begin with struct_size, set by lp_..._init. They only grow at their end: a program
 *               compiled with this header works with every later library. All fields have a fixed
 *               width, times are milliseconds.
 * Success       is what a call returns, not what its result holds: a call that cannot write the result
 *               returns LP_ERR_ARGUMENT and leaves it as it was.
 * Numbers       of codes are never reused. Be ready for codes that you do not know.
 * Crashes       NULL, bad UTF-8 and absurd sizes are answered with LP_ERR_ARGUMENT. A defect of the
 *               library ends in LP_ERR_INTERNAL. Out of memory and stack overflow still end the
 *               process.
 * The process   No signal handlers, no SIGPIPE, no output to stderr, no floating-point traps.
 *               Threads of the library block the signals that a program handles (SIGINT, SIGTERM,
 *               SIGALRM, SIGCHLD and the like), but not those that .NET and Mono need on each thread:
 *               SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPWR, SIGXCPU and real-time
 *               signals. After a fork the child makes connections of its own. If a thread of the
 *               parent was inside the process's first DNS lookup at the fork, glibc's resolver may
 *               stay locked in the child, whose lookups then end with LP_ERR_TIMEOUT. Once used, the
 *               library stays in memory until the process ends: dlclose and FreeLibrary are harmless.
 *               A DNS lookup that hangs in the system's resolver may outlive its call; at most one
 *               such thread exists per host name.
 * Versions      0.x: minor versions may add functions, codes and fields; see include/symbols.txt.
 */
#ifndef LIFEPAY_H
#define LIFEPAY_H


#include <stdint.h>

/* The calling convention of callbacks. */
#if defined(_WIN32)
#define LP_CALL __cdecl
#else
#define LP_CALL
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Milliseconds without a limit. */
#define LP_FOREVER 0xFFFFFFFFu

struct lp_progress;

/*
 * on_progress of lp_config, see there. progress is borrowed for the callback, user_data is that of
 * the config. Return 0 to go on, anything else to stop.
 */
typedef int32_t (LP_CALL *lp_progress_fn)(const struct lp_progress *progress, void *user_data);

struct lp_entry;

/*
 * callback of lp_outbox_each, see there. entry is borrowed for the callback. Return 0 to see more.
 */
typedef int32_t (LP_CALL *lp_entry_fn)(const struct lp_entry *entry, void *user_data);

/*
 * callback of lp_set_log, see there. message is one line in UTF-8, borrowed for the callback.
 */
typedef void (LP_CALL *lp_log_fn)(int32_t level, const char *message, void *user_data);


/**
 * ------------------------------------------------------------------------------------------------
 * Codes: what a call returns, and lp_result.code
 * ------------------------------------------------------------------------------------------------
 *
 * 0 and positive numbers are LifePay's own, known or not: it has answered, do not repeat the
 * request as it is. Negative numbers are the library's.
 *
 * LifePay took the document. That is not yet an open shift or a printed receipt: what the cash
 * register prints, or LifePay's personal account, shows whether it came to that.
 */
#define LP_OK 0

/**
 * LifePay: «Ошибка данных». `errors` says which field and why. Correct it, then send again.
 */
#define LP_DATA_ERROR 400

/**
 * LifePay: «Внутренняя ошибка сервера». LifePay asks to turn to its support for the cause.
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
#define LP_PENDING -1

/**
 * The call or its settings are wrong; `errors` names each field. This call has sent nothing.
 * Correct it.
 */
#define LP_ERR_ARGUMENT -2

/**
 * No connection, or it broke. Repeat with the same ext_id.
 */
#define LP_ERR_NETWORK -3

/**
 * A time limit ran out. Repeat with the same ext_id.
 */
#define LP_ERR_TIMEOUT -4

/**
 * No trusted TLS connection; nothing was sent over it. `message` says what is wrong with the
 * certificate. Mend that (often this machine's date), then repeat with the same ext_id.
 */
#define LP_ERR_TLS -5

/**
 * An HTTP status other than 200, see `http_status`. Repeat with the same ext_id.
 */
#define LP_ERR_HTTP -6

/**
 * Something answered that is not LifePay: a captive portal, a broken proxy, half an answer.
 * Repeat with the same ext_id.
 */
#define LP_ERR_REPLY -7

/**
 * on_progress or lp_outbox_cancel has stopped the request. `outcome` says whether LifePay may have
 * it. If the document is still needed, repeat with the same ext_id.
 */
#define LP_ERR_CANCELLED -8

/**
 * The outbox's file cannot be used; `message` says what to do.
 */
#define LP_ERR_OUTBOX -9

/**
 * There is no such entry in the outbox.
 */
#define LP_ERR_NOT_FOUND -10

/**
 * A defect of this library was caught. Please report it, with the log. Repeat with the same ext_id.
 */
#define LP_ERR_INTERNAL -11

/**
 * The outbox is closed.
 */
#define LP_ERR_CLOSED -12

/**
 * The request waited in the outbox longer than it may, and is not repeated. If it is still needed and
 * `outcome` is LP_OUTCOME_NOT_SENT, a new request with any ext_id is safe. Otherwise LifePay may have
 * it: submit it again with the same ext_id only.
 */
#define LP_ERR_EXPIRED -13

/**
 * ------------------------------------------------------------------------------------------------
 * Outcomes: lp_result.outcome
 * ------------------------------------------------------------------------------------------------
 *
 * What the code cannot say. A cashier who opens the shift by hand must know it.
 *
 * No byte of the request left this machine in any attempt.
 */
#define LP_OUTCOME_NOT_SENT 1

/**
 * LifePay may have the request. Repeat it with this ext_id only: then no second shift is opened. For
 * other documents see lp_send.
 */
#define LP_OUTCOME_UNKNOWN 2

/**
 * LifePay has answered.
 */
#define LP_OUTCOME_ANSWERED 3

/**
 * ------------------------------------------------------------------------------------------------
 * Trust: lp_config.trust
 * ------------------------------------------------------------------------------------------------
 *
 * Mozilla's roots, compiled in, and the system's, together.
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

/**
 * ------------------------------------------------------------------------------------------------
 * Phases: lp_progress.phase
 * ------------------------------------------------------------------------------------------------
 *
 * Name resolution, connect, proxy and TLS.
 */
#define LP_PHASE_CONNECT 1

/**
 * The request is sent and its answer awaited.
 */
#define LP_PHASE_EXCHANGE 2

/**
 * An attempt has failed; `code` and `http_status` say how.
 */
#define LP_PHASE_FAILED 3

/**
 * The pause before the next attempt.
 */
#define LP_PHASE_PAUSE 4

/**
 * ------------------------------------------------------------------------------------------------
 * Flags of an entry: lp_entry.flags
 * ------------------------------------------------------------------------------------------------
 *
 * It waits for an outcome; without it the entry is finished.
 */
#define LP_ENTRY_PENDING 1

/**
 * An attempt is being made.
 */
#define LP_ENTRY_SENDING 2

/**
 * It belongs to another base_url than this outbox was opened with, and is not sent by it.
 */
#define LP_ENTRY_FOREIGN 4

/**
 * ------------------------------------------------------------------------------------------------
 * Log levels: lp_set_log, lp_log_to_file
 * ------------------------------------------------------------------------------------------------
 *
 * No log.
 */
#define LP_LOG_OFF 0

/**
 * LifePay has refused a request, or a defect of this library was caught.
 */
#define LP_LOG_ERROR 1

/**
 * Attempts that have failed, and calls with wrong arguments.
 */
#define LP_LOG_WARN 2

/**
 * Attempts that have succeeded.
 */
#define LP_LOG_INFO 3

/**
 * What the library decides on the way.
 */
#define LP_LOG_DEBUG 4

/**
 * Bodies sent and received, the apikey masked.
 */
#define LP_LOG_TRACE 5

/**
 * ------------------------------------------------------------------------------------------------
 * Versions of this header
 * ------------------------------------------------------------------------------------------------
 *
 * Version of the header, to compare with lp_version_number.
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
 * ------------------------------------------------------------------------------------------------
 * The outbox
 * ------------------------------------------------------------------------------------------------
 *
 * An open outbox. A number, looked up and never dereferenced, and never given twice: after
 * lp_outbox_close, and in a forked child, every call with it answers LP_ERR_CLOSED. A child cannot
 * open the files that its parent had open, or was opening or closing, when it forked: fork first, or
 * start a new program. It can open others.
 */
typedef struct lp_outbox lp_outbox;

/**
 * ------------------------------------------------------------------------------------------------
 * Settings: lp_config
 * ------------------------------------------------------------------------------------------------
 *
 * The request and how it is sent.
 *
 * Zero, NULL and "" mean "not given" in every field. All strings are UTF-8, end in NUL, are
 * borrowed for the call and copied by it. Begin with lp_config_init.
 */
typedef struct lp_config {
    /**
     * sizeof(lp_config) of your program, set by lp_config_init.
     */
    uint32_t struct_size;
    /**
     * 0: a fiscal document. 1: test mode, nothing is fiscalised and LifePay gives no uuid (known of the
     * shift and the Z report; of other documents see their pages).
     */
    int32_t test;
    /**
     * Required. The company's API key in LifePay. It appears in no log line, message or reply.
     */
    const char *apikey;
    /**
     * Required. Login of the company's or the shop's administrator in LifePay, as a rule a phone
     * number 7xxxxxxxxxx. If it is a shop's with a printer of its own, the document goes to that.
     */
    const char *login;
    /**
     * Optional. The cashier's name.
     */
    const char *cashier_name;
    /**
     * Optional. The cashier's INN.
     */
    const char *cashier_inn;
    /**
     * Serial number of the fiscal printer. Optional for a shift: LifePay takes one of the active
     * printers. For other documents see their pages.
     */
    const char *target_serial;
    /**
     * Optional, at most 50 characters. Your own identifier of this request. LifePay opens no second
     * shift for the same ext_id, which is what makes a repeat safe: store it before you send, and
     * repeat with the same one. Not given: a UUID is made and returned in lp_result.ext_id, which
     * makes a repeat safe as long as you keep it; see lp_ext_id_new. For other documents see lp_send.
     */
    const char *ext_id;
    /**
     * Optional, at most 255 characters. URL to which LifePay reports what became of the document.
     */
    const char *callback_url;
    /**
     * Optional. A string that LifePay sends back to callback_url.
     */
    const char *callback_data;
    /**
     * Optional, in place of callback_data: the text of a JSON object or array, sent as it is.
     */
    const char *callback_data_json;
    /**
     * Default: https://sapi.life-pay.ru. Plain http is accepted only to this machine (127.0.0.1,
     * ::1, localhost), for the sandbox: the apikey must not travel in the clear.
     */
    const char *base_url;
    /**
     * http://user:password@host:port (percent-encode special characters), https likewise. Default:
     * the environment's (HTTPS_PROXY, ALL_PROXY, HTTP_PROXY, NO_PROXY) and, on Windows, the
     * system's static setting, neither for a base_url on this machine. "none": no proxy. SOCKS and
     * proxies found by script (PAC) are not supported; if the environment names a SOCKS proxy, that
     * is an argument error: set this field then. Later attempts read the default again, at most once
     * a second.
     */
    const char *proxy;
    /**
     * Path of a PEM file of root certificates that are trusted besides those of `trust`. A change of
     * the file takes effect within a second.
     */
    const char *ca_file;
    /**
     * Whose certificates are trusted: LP_TRUST_.... Verification cannot be turned off.
     */
    int32_t trust;
    /**
     * Milliseconds for name resolution, connect, proxy and TLS of one attempt. Default: 10000.
     */
    uint32_t connect_timeout_ms;
    /**
     * Milliseconds for one attempt, all of it. Default: 30000.
     */
    uint32_t timeout_ms;
    /**
     * lp_open_shift and lp_send. 0: one attempt. Otherwise attempts are made until LifePay has
     * answered or this many milliseconds have passed; no attempt goes on beyond that, and none is
     * waited for that would begin beyond it. LP_FOREVER: no limit.
     */
    uint32_t retry_for_ms;
    /**
     * Milliseconds between the attempts, an array of retry_delay_count elements, borrowed for the
     * call; the last one repeats. Default: LifePay's timetable, 1, 3 and 5 minutes, then every 10.
     * A pause shorter than 100 ms is taken for 100 ms; a longer Retry-After of the server (up to
     * a day) is honoured.
     */
    const uint32_t *retry_delays_ms;
    /**
     * Called on your thread after each failed attempt and about five times a second at all other
     * times. Non-zero stops the call within a second: LP_ERR_CANCELLED. It may call everything
     * except on the lp_result of this call. It must not throw, longjmp or end the thread. Not called
     * for an outbox.
     */
    lp_progress_fn on_progress;
    /**
     * Handed to on_progress as it is.
     */
    void *user_data;
    /**
     * How many elements retry_delays_ms has, at most 1000.
     */
    uint32_t retry_delay_count;
    /**
     * Outbox only. Milliseconds after which a request is not repeated any more. Default: 12 hours.
     * LP_FOREVER: never.
     */
    uint32_t expires_after_ms;
    /**
     * Outbox only. Requests at once. Default: 4.
     */
    uint32_t concurrency;
    /**
     * Outbox only. Days for which finished entries are kept. Default: 30.
     */
    uint32_t keep_days;
    /**
     * lp_send: required. lp_outbox_submit: optional, a shift without it. Which document it is, as its
     * path below base_url, such as /cloud-print/create-z-report. An argument error in lp_open_shift, as
     * is document_json. At most 255 characters: one / at the beginning, then Latin letters, digits and
     * -._~!$&'()*+,;=:@/ without two dots in a row.
     */
    const char *path;
    /**
     * lp_send and lp_outbox_submit, optional. The document's own fields: the text of a JSON object,
     * whose members go into the request as they stand, after the fields above that are given. apikey,
     * login and fields that are given here must not be members too, and no member may stand twice.
     */
    const char *document_json;
} lp_config;

/**
 * ------------------------------------------------------------------------------------------------
 * Results: lp_result
 * ------------------------------------------------------------------------------------------------
 *
 * One field of the request and what is wrong with it. LifePay's field errors and our own argument
 * errors have the same form.
 */
typedef struct lp_field_error {
    /**
     * Name of the field; "" if LifePay named none. Nested ones are joined by dots.
     */
    const char *field;
    /**
     * What is wrong with it, in Russian.
     */
    const char *message;
} lp_field_error;

/**
 * What came of a call.
 *
 * All pointers are owned by the library and valid until the next call with this result or
 * lp_result_free. Begin with lp_result_init, end with lp_result_free.
 *
 * Judge a call by its return value. A result that was not initialised is not written: its code may
 * be 0 although the call returned LP_ERR_ARGUMENT.
 */
typedef struct lp_result {
    /**
     * sizeof(lp_result) of your program, set by lp_result_init.
     */
    uint32_t struct_size;
    /**
     * The same as the call returned: LP_OK, LifePay's code (positive) or LP_ERR_... (negative).
     * LP_ERR_ARGUMENT before the first call and after lp_result_free.
     */
    int32_t code;
    /**
     * Whether LifePay may have the request: LP_OUTCOME_..., over all attempts. 0: the call says
     * nothing about it.
     */
    int32_t outcome;
    /**
     * HTTP status of the last attempt; 0: no answer came.
     */
    int32_t http_status;
    /**
     * How many attempts were made. An attempt in which the server closes a kept connection without
     * an answer sends the request again over a new one, and counts once; one without ext_id goes over no
     * kept connection.
     */
    uint32_t attempts;
    /**
     * Milliseconds after which to repeat, where a repeat makes sense and is safe: the timetable's
     * next pause, or the server's Retry-After if that is longer. Otherwise 0.
     */
    uint32_t retry_after_ms;
    /**
     * Private: whose the strings are. Do not change it.
     */
    uint64_t owner;
    /**
     * The document's uuid from LifePay. NULL in test mode, if the answer has none, and if code is not
     * LP_OK.
     */
    const char *uuid;
    /**
     * The ext_id that was sent, given or made. NULL only if the arguments were wrong, or lp_send was
     * given none.
     */
    const char *ext_id;
    /**
     * In Russian, for a person at the till or on the phone: what happened and what to do. At most
     * 2,000 characters.
     */
    const char *message;
    /**
     * Technical, as the system or the TLS library put it, for the log. May be NULL.
     */
    const char *detail;
    /**
     * The body that was received, for a support request: the apikey masked, NUL and what is not
     * UTF-8 replaced by U+FFFD; of a body beyond 1 MiB the first 4096 bytes, in an outbox at most
     * 16 KiB. NULL if there was none.
     */
    const char *reply;
    /**
     * error_count elements, NULL if there are none. There are at most 100, and no text in them is
     * longer than 1,000 characters. message lists as many as it has room for and says how many more
     * there are; reply holds all that LifePay sent.
     */
    const struct lp_field_error *errors;
    /**
     * How many elements errors has.
     */
    uint32_t error_count;
    /**
     * Always 0.
     */
    uint32_t reserved;
} lp_result;

/**
 * ------------------------------------------------------------------------------------------------
 * Progress: lp_progress
 * ------------------------------------------------------------------------------------------------
 *
 * What on_progress is told. Valid during the callback only.
 */
typedef struct lp_progress {
    /**
     * sizeof this struct in the library; fields beyond what your header knows may follow.
     */
    uint32_t struct_size;
    /**
     * What the call is at: LP_PHASE_....
     */
    int32_t phase;
    /**
     * How many attempts have been begun.
     */
    uint32_t attempts;
    /**
     * Why the last attempt failed: LP_ERR_.... LP_PENDING before one has.
     */
    int32_t code;
    /**
     * HTTP status of the last failed attempt; 0: none came.
     */
    int32_t http_status;
    /**
     * Milliseconds since the call began.
     */
    uint32_t elapsed_ms;
    /**
     * Milliseconds until the next attempt, in LP_PHASE_FAILED and LP_PHASE_PAUSE. 0 in
     * LP_PHASE_FAILED: it was the last one.
     */
    uint32_t next_attempt_ms;
} lp_progress;

/**
 * ------------------------------------------------------------------------------------------------
 * The outbox: lp_entry
 * ------------------------------------------------------------------------------------------------
 *
 * One request of an outbox. Valid during the callback only, with all it points to.
 */
typedef struct lp_entry {
    /**
     * sizeof this struct in the library; fields beyond what your header knows may follow.
     */
    uint32_t struct_size;
    /**
     * LP_PENDING, or the outcome: LP_OK, LifePay's code, LP_ERR_CANCELLED, LP_ERR_EXPIRED.
     */
    int32_t code;
    /**
     * Whether LifePay may have the request: LP_OUTCOME_..., over all attempts, also those of before
     * a restart.
     */
    int32_t outcome;
    /**
     * LP_ENTRY_..., added up.
     */
    uint32_t flags;
    /**
     * How many attempts were begun.
     */
    uint32_t attempts;
    /**
     * HTTP status of the last attempt; 0: no answer came.
     */
    int32_t http_status;
    /**
     * When it was submitted. Unix milliseconds, as all times here.
     */
    int64_t submitted_at;
    /**
     * When the next attempt is due; 0: there is none. The pause itself is measured on a clock that
     * does not jump.
     */
    int64_t next_attempt_at;
    /**
     * When it was finished: answered, cancelled or expired; 0: it is not.
     */
    int64_t answered_at;
    /**
     * After when it is not repeated; 0: never.
     */
    int64_t expires_at;
    /**
     * The ext_id that is sent.
     */
    const char *ext_id;
    /**
     * The login that is sent.
     */
    const char *login;
    /**
     * NULL if it was not given.
     */
    const char *target_serial;
    /**
     * The base_url that it belongs to.
     */
    const char *base_url;
    /**
     * The document's uuid from LifePay; NULL if there is none.
     */
    const char *uuid;
    /**
     * In Russian, for a person at the till.
     */
    const char *message;
    /**
     * Which document it is: its path below base_url, /cloud-print/create-session for the opening of a
     * shift. NULL: it is of a kind that only a later version of the library knows, and waits for that.
     */
    const char *path;
} lp_entry;

/**
 * ------------------------------------------------------------------------------------------------
 * Settings: begin
 * ------------------------------------------------------------------------------------------------
 *
 * Zeroes a config and states its size. Call it first, as lp_config_init(&config, sizeof config).
 *
 * config: yours, size bytes; nothing in it needs to be released.
 *
 * Returns LP_OK, or LP_ERR_ARGUMENT if config is NULL or size is not that of an lp_config. Allowed in
 * a log callback.
 */
int32_t lp_config_init(struct lp_config *config,
                       uint32_t size);

/**
 * ------------------------------------------------------------------------------------------------
 * Results: begin and end
 * ------------------------------------------------------------------------------------------------
 *
 * Prepares a result for its first call: lp_result_init(&result, sizeof result).
 *
 * Sets struct_size to size, code to LP_ERR_ARGUMENT, so that a result which no call has written is
 * not taken for LP_OK, and everything else to 0 or NULL. It releases nothing: for that there is
 * lp_result_free.
 *
 * result: yours, size bytes.
 *
 * Returns LP_OK, or LP_ERR_ARGUMENT if result is NULL or size is not that of an lp_result. Allowed in
 * a log callback.
 */
int32_t lp_result_init(struct lp_result *result,
                       uint32_t size);

/**
 * Releases what a result holds and leaves it as lp_result_init does; it can be used again at once.
 *
 * result: yours. Its strings and errors are invalid from then on.
 *
 * Freeing twice, freeing a copy, NULL, or a result that was never initialised is harmless. Allowed in
 * a log callback, except for the result of a call that is running.
 */
void lp_result_free(struct lp_result *result);

/**
 * ------------------------------------------------------------------------------------------------
 * Opening a shift
 * ------------------------------------------------------------------------------------------------
 *
 * Opens a shift: checks config, sends the request, and says what came of it.
 *
 * config: borrowed for the call, with all it points to. result: yours, initialised; release what it
 * holds with lp_result_free.
 *
 * Returns the same as result->code:
 * - LP_OK: LifePay took the document. That is not yet an open shift.
 * - positive: LifePay's own code. It has answered; do not repeat the request as it is.
 * - negative: LP_ERR_.... See result->outcome for whether LifePay may have the request, and repeat
 *   with the same ext_id after result->retry_after_ms, or let config->retry_for_ms do it.
 *
 * Blocks until LifePay has answered, the time limits or retry_for_ms are over, or on_progress
 * stops it. Releases what result held, after config has been copied: config.ext_id may point to
 * result.ext_id.
 *
 * If result is NULL or was not initialised with lp_result_init, nothing is sent, result is not
 * written, and the call returns LP_ERR_ARGUMENT. In a log callback nothing is sent either; result->code
 * and the return value are LP_ERR_ARGUMENT.
 */
int32_t lp_open_shift(const struct lp_config *config,
                      struct lp_result *result);

/**
 * ------------------------------------------------------------------------------------------------
 * Closing the shift, receipts and the rest
 * ------------------------------------------------------------------------------------------------
 *
 * Sends any other document of LifePay's cloud print: a Z report, a receipt, a correction.
 *
 * config->path, which is required, says which one; config->document_json holds its own fields. What
 * they are stands on LifePay's page about the document, is not checked here, and is LifePay's to
 * judge. The request is made of the fields of config that are given (apikey, login, test, cashier_name,
 * cashier_inn, target_serial, ext_id, callback_url, callback_data), then of the document's members.
 *
 * No ext_id is made. That a second request with the same ext_id makes no second document is known of
 * opening a shift only: whether it holds for this document too, look up on LifePay's page. Where it
 * does, give one, and repeats are safe as for a shift. Where it does not, give none: then nothing is
 * sent twice, retry_for_ms and lp_outbox_submit are argument errors, and after LP_OUTCOME_UNKNOWN look
 * whether the document was made before you send again. Do not use one ext_id for two documents.
 *
 * config, result: as for lp_open_shift. Blocks like it.
 *
 * Returns the same as result->code, as lp_open_shift does. LifePay's answer is read in the same way:
 * code, message, errors, uuid; what else it says is in result->reply.
 */
int32_t lp_send(const struct lp_config *config,
                struct lp_result *result);

/**
 * ------------------------------------------------------------------------------------------------
 * An ext_id made beforehand
 * ------------------------------------------------------------------------------------------------
 *
 * Writes a new ext_id (a random UUID, 36 characters and NUL) into buffer.
 *
 * buffer: yours, size bytes.
 *
 * Store it, then send with it: so a repeat is safe even after a crash.
 *
 * Returns LP_OK, or LP_ERR_ARGUMENT if buffer is NULL or size, in bytes, is below 37; then nothing
 * is written, but for an empty string where there is room for one. Allowed in a log callback.
 */
int32_t lp_ext_id_new(char *buffer, uint32_t size);

/**
 * ------------------------------------------------------------------------------------------------
 * JSON in place of structs
 * ------------------------------------------------------------------------------------------------
 *
 * lp_open_shift for languages that have no structs, and for settings kept in a file.
 *
 * request: in UTF-8, borrowed for the call. It is a JSON object. Its keys are the fields of
 * lp_config, except struct_size, on_progress, user_data and retry_delay_count: strings and numbers
 * as there, retry_delays_ms an array of numbers, callback_data also an object or array. null means
 * "not given"; an unknown key is an argument error.
 *
 * *answer is set to a JSON object with every field of lp_result but struct_size, owner and
 * reserved: null where the struct has NULL, errors an array of {"field", "message"}. It must be
 * released with lp_string_free. It is set to NULL only where the call is not allowed (in a log
 * callback) and where a defect of the library was caught on the way back (LP_ERR_INTERNAL).
 *
 * There is no on_progress here: a call with retry_for_ms cannot be stopped before it ends.
 *
 * Returns the same code as lp_open_shift. If answer is NULL, nothing is sent and LP_ERR_ARGUMENT
 * returned.
 */
int32_t lp_open_shift_json(const char *request, char **answer);

/**
 * lp_send for the same: as lp_open_shift_json, with the keys path and document_json, which may be
 * the text of an object or an object.
 */
int32_t lp_send_json(const char *request, char **answer);

/**
 * lp_outbox_open for the same. config: a JSON object as for lp_open_shift_json, of whose keys those
 * count that lp_outbox_open takes. *answer: as there; a failure is told in it.
 *
 * What else there is of the outbox needs no struct: lp_outbox_retry_now, lp_outbox_forget,
 * lp_outbox_pending, lp_outbox_close. This call and the next ones return what their twins with structs
 * do, and LP_ERR_ARGUMENT if answer is NULL: then they do nothing.
 */
int32_t lp_outbox_open_json(const char *path,
                            const char *config,
                            struct lp_outbox **outbox,
                            char **answer);

/**
 * lp_outbox_submit for the same. request: as for lp_open_shift_json, with the keys that
 * lp_outbox_submit takes. *answer: the object that tells the entry, or why it is not on disk.
 */
int32_t lp_outbox_submit_json(struct lp_outbox *outbox, const char *request, char **answer);

/**
 * lp_outbox_wait for the same. *answer: the object that tells the entry.
 */
int32_t lp_outbox_wait_json(struct lp_outbox *outbox,
                            const char *ext_id,
                            uint32_t timeout_ms,
                            char **answer);

/**
 * lp_outbox_cancel for the same. *answer: the object that tells the entry.
 */
int32_t lp_outbox_cancel_json(struct lp_outbox *outbox, const char *ext_id, char **answer);

/**
 * lp_outbox_each for the same: all entries at once, and no callback.
 *
 * *answer is set to a JSON array of objects with every field of lp_entry but struct_size and flags:
 * in place of those there are pending, sending and foreign, which are true or false. If they cannot be
 * read, it is the object of a failed call.
 *
 * Returns LP_OK, LP_ERR_ARGUMENT if answer is NULL, LP_ERR_OUTBOX, LP_ERR_CLOSED.
 */
int32_t lp_outbox_list_json(struct lp_outbox *outbox,
                            char **answer);

/**
 * Releases a string that a call with _json in its name has returned.
 *
 * NULL, and a pointer that is no such string or was freed already, is harmless, as long as the
 * library has not returned a new string at the same address since.
 */
void lp_string_free(char *string);

/**
 * Opens a file of requests, makes it if there is none, and begins to send what waits in it.
 *
 * The outbox is for programs that must not lose a request to a crash or a power cut, and for those
 * that must not block: requests are on disk before their first byte is sent, repeated in the
 * background by the timetable until LifePay has answered, and their outcomes kept.
 *
 * path: in UTF-8, borrowed for the call, on a local disk; network paths are refused. Beside it
 * stand files of the same name with -wal, -shm and -sender-... at the end: they belong to it.
 * config: borrowed for the call. Taken from it are apikey (required; it is not stored), login (for
 * requests that have none), base_url, proxy, trust, ca_file, the time limits of an attempt,
 * retry_delays_ms, concurrency and keep_days. *outbox: set to the outbox, or NULL; close it with
 * lp_outbox_close. result: yours, initialised.
 *
 * Several processes may have the same file open: each request is sent by one of them at a time, and
 * when that one dies another takes over within a second. They should have the same apikey, and the
 * same version of this library: a kind of document that only a later one knows waits as long as an
 * earlier one is the sender. Within a process, use one copy of this library, and do not open the file
 * with a SQLite of your own: the locks of both are the process's.
 *
 * Returns the same as result->code: LP_OK, LP_ERR_ARGUMENT, LP_ERR_INTERNAL, or LP_ERR_OUTBOX:
 * result->message says what to do; the file is left as it was. No network is used by the call
 * itself. result->ext_id stays NULL.
 */
int32_t lp_outbox_open(const char *path,
                       const struct lp_config *config,
                       struct lp_outbox **outbox,
                       struct lp_result *result);

/**
 * Puts a request on disk; it is sent in the background. Does not wait for the network.
 *
 * Without path and document_json the request opens a shift, as with lp_open_shift. With path it is
 * the document that path names, as with lp_send, and needs an ext_id, since an outbox repeats: that
 * is safe if LifePay's page on the document says that a second request with the same ext_id makes no
 * second document.
 *
 * config: borrowed for the call. Taken from it are the fields of the request and expires_after_ms:
 * by the wall clock, so that yesterday's shift does not open tonight; if that clock jumps while a
 * program has the file open, the time that has really passed counts. login and apikey not given:
 * those of lp_outbox_open; another apikey or base_url than there is an argument error, the other
 * settings of the connection are not looked at. Without ext_id one is made for a shift and returned.
 *
 * If an entry with this ext_id is pending or accepted, no second one is made and result describes
 * that entry. A pending one will be sent, under the new expires_after_ms; a cancellation that has not
 * taken effect yet is withdrawn. With different fields it is an argument error. An entry that was
 * rejected or cancelled or has expired is replaced and sent again. An ext_id belongs to one path: with
 * another one it is an argument error, whatever became of the entry, until it is forgotten.
 *
 * Returns LP_OK: the request is on disk, and result->code is LP_PENDING, or the outcome if the entry
 * has one. Otherwise the same as result->code: LP_ERR_ARGUMENT, LP_ERR_CLOSED, LP_ERR_INTERNAL, or
 * LP_ERR_OUTBOX: the request may or may not be on disk after a restart; submit it again with the same
 * ext_id. On Unix the call also fails with LP_ERR_OUTBOX if the file was deleted or replaced while it
 * is open: close the outbox and open it again.
 *
 * After a failure result->ext_id is the one that was given, or the one that was made, and
 * result->outcome is LP_OUTCOME_NOT_SENT only if it is certain that no request with this ext_id was or
 * will be sent.
 */
int32_t lp_outbox_submit(struct lp_outbox *outbox,
                         const struct lp_config *config,
                         struct lp_result *result);

/**
 * Waits for the outcome of an entry, at most timeout_ms milliseconds; 0 just looks, LP_FOREVER has
 * no limit.
 *
 * ext_id: in UTF-8, borrowed for the call. result: yours, initialised.
 *
 * Returns the same as result->code: the outcome, or LP_PENDING if there is none yet. LP_ERR_NOT_FOUND
 * (no such entry), LP_ERR_CLOSED (also if the outbox is closed during the wait), LP_ERR_ARGUMENT,
 * LP_ERR_OUTBOX and LP_ERR_INTERNAL mean that this call failed; they are not the entry's outcome.
 * result->ext_id is the one that was given, also after a failure.
 */
int32_t lp_outbox_wait(struct lp_outbox *outbox,
                       const char *ext_id,
                       uint32_t timeout_ms,
                       struct lp_result *result);

/**
 * Shows every entry to a callback, in the order in which they were first submitted: a snapshot of
 * the moment of the call. Non-zero from the callback ends it. The callback may call everything; it
 * must not throw, longjmp or end the thread. user_data is handed to it as it is.
 *
 * Returns LP_OK, LP_ERR_ARGUMENT if callback is NULL, LP_ERR_OUTBOX, LP_ERR_CLOSED.
 */
int32_t lp_outbox_each(struct lp_outbox *outbox, lp_entry_fn callback, void *user_data);

/**
 * Sends a waiting entry at once, without waiting for the timetable, and reopens a rejected one: a
 * mistyped apikey must not ruin a queue.
 *
 * ext_id: in UTF-8, borrowed for the call. NULL or "": all that wait or were rejected and have not
 * expired.
 *
 * The request takes effect also during an attempt: if that one fails, the next follows at once.
 *
 * Returns LP_OK, LP_ERR_NOT_FOUND, LP_ERR_ARGUMENT for an entry that was accepted or cancelled, has
 * expired or belongs to another base_url, LP_ERR_OUTBOX, LP_ERR_CLOSED. To see which, and to show it
 * to a cashier, call lp_outbox_wait with timeout_ms 0: result describes the entry.
 */
int32_t lp_outbox_retry_now(struct lp_outbox *outbox,
                            const char *ext_id);

/**
 * Stops the repeats of an entry. An attempt under way is broken off within a second; if its answer
 * comes all the same, it wins.
 *
 * ext_id: in UTF-8, borrowed for the call. result: yours, initialised; it tells the entry, and
 * result->outcome whether LifePay may have the request.
 *
 * Returns LP_OK: the entry is finished, and result->code is LP_ERR_CANCELLED or the outcome that it
 * had or that has won. (It is LP_PENDING if its sender, in another process or with a full disk, has
 * not let go of it within three seconds, or if it was submitted again meanwhile.) Otherwise the same as result->code: LP_ERR_ARGUMENT,
 * LP_ERR_NOT_FOUND, LP_ERR_OUTBOX, LP_ERR_CLOSED, LP_ERR_INTERNAL. result->ext_id is the one that was
 * given, also after a failure.
 */
int32_t lp_outbox_cancel(struct lp_outbox *outbox,
                         const char *ext_id,
                         struct lp_result *result);

/**
 * Removes a finished entry. Finished entries are removed by themselves after keep_days.
 *
 * ext_id: in UTF-8, borrowed for the call.
 *
 * Returns LP_OK, LP_ERR_NOT_FOUND, LP_ERR_ARGUMENT for a pending entry (cancel it first) and for a
 * missing ext_id, LP_ERR_OUTBOX, LP_ERR_CLOSED. lp_outbox_wait with timeout_ms 0 describes the entry.
 */
int32_t lp_outbox_forget(struct lp_outbox *outbox,
                         const char *ext_id);

/**
 * How many entries wait that this outbox sends. *count is set to that, or to 0.
 *
 * Returns LP_OK, LP_ERR_ARGUMENT if count is NULL, LP_ERR_OUTBOX, LP_ERR_CLOSED.
 */
int32_t lp_outbox_pending(struct lp_outbox *outbox, uint32_t *count);

/**
 * Closes an outbox: what waits stays in the file and goes on when it is opened again. Attempts under
 * way are broken off, and those who wait in lp_outbox_wait wake with LP_ERR_CLOSED. Returns within
 * a second. A process that ends without it loses nothing.
 *
 * On Windows it may be called from DllMain: it does not wait for threads to end, for which they need
 * the loader lock. If DllMain is called because the process is ending, the system has already ended
 * all other threads: this and most other calls do nothing then and return LP_ERR_CLOSED.
 *
 * Returns LP_OK, or LP_ERR_CLOSED if it is closed already, NULL or no outbox.
 */
int32_t lp_outbox_close(struct lp_outbox *outbox);

/**
 * ------------------------------------------------------------------------------------------------
 * Codes in words
 * ------------------------------------------------------------------------------------------------
 *
 * The name of a code for logs, such as "LP_ERR_TIMEOUT"; "UNKNOWN" for one that has none.
 *
 * Returns a static string in ASCII. Never NULL; do not free it.
 */
const char *lp_code_name(int32_t code);

/**
 * A code as a Russian sentence for a cashier. LifePay's codes have the page's own wording. Codes
 * that are not known have a text too.
 *
 * Returns a static string in UTF-8. Never NULL; do not free it.
 */
const char *lp_code_text(int32_t code);

/**
 * ------------------------------------------------------------------------------------------------
 * The log
 * ------------------------------------------------------------------------------------------------
 *
 * Hands the log to a callback of yours, in place of the one before. It returns when the old
 * callback runs nowhere any more.
 *
 * It waits without a limit for a callback that is running: do not hold a lock that the callback takes.
 *
 * callback may be NULL: no callback. level is LP_LOG_...: what is told, that and all below.
 * message is one line in UTF-8, borrowed for the callback; user_data is handed on as it is.
 * The callback may be called from any thread, several at once. It must not throw, longjmp or end the
 * thread. It may call lp_version, lp_version_number, lp_code_..., lp_config_init, lp_ext_id_new,
 * lp_string_free, and lp_result_init and lp_result_free except for the result of a call that is
 * running. Every other function does nothing there and returns LP_ERR_ARGUMENT, with which it also
 * fills its result; *outbox and *answer are set to NULL, *count to 0.
 *
 * Returns LP_OK, or LP_ERR_ARGUMENT if level is none.
 */
int32_t lp_set_log(lp_log_fn callback,
                   void *user_data,
                   int32_t level);

/**
 * Writes the log to a file, for hosts that cannot take callbacks; in place of the file before.
 *
 * path: in UTF-8, borrowed for the call; NULL or "": no file. level: LP_LOG_.... max_bytes: the
 * size at which the file is renamed to path + ".old", in the place of the one before, and begun
 * anew; 0: 10 MiB. If another program prevents that, the file grows until it can be renamed. On
 * Windows path + ".rotating" exists while it is renamed. A line has the local time with its offset, version, process and level, and for
 * an attempt ext_id, number, HTTP status, code and milliseconds. The apikey is in none.
 *
 * For tills whose program cannot be changed the environment variable LIFEPAY_LOG does the same,
 * besides what the program sets: PATH, or LEVEL,PATH, where LEVEL is error, warn, info (the
 * default), debug or trace. It is read at the first call of the library; a file that cannot be
 * written is passed over in silence.
 *
 * Returns LP_OK, or LP_ERR_ARGUMENT if level is none or the file cannot be written; then the file
 * before stays in use.
 */
int32_t lp_log_to_file(const char *path,
                       int32_t level,
                       uint32_t max_bytes);

/**
 * ------------------------------------------------------------------------------------------------
 * The library's version
 * ------------------------------------------------------------------------------------------------
 *
 * The library's version, such as "0.1.0".
 *
 * Returns a static string. Never NULL; do not free it.
 */
const char *lp_version(void);

/**
 * The library's version as a number, major * 10000 + minor * 100 + patch: 100 is 0.1.0.
 */
uint32_t lp_version_number(void);


#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIFEPAY_H */
