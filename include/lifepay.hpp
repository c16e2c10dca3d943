/*
 * lifepay.hpp: lifepay.h for C++17 and newer. Nothing to link but the library itself.
 *
 * Usage
 * -----
 *
 *     #include <iostream>
 *     #include "lifepay.hpp"
 *
 *     int main()
 *     {
 *         lifepay::Request request;
 *         request.apikey = "your API key";
 *         request.login = "79031234567";
 *         request.ext_id = "00106304012797-2026-11-24-1";   // your own, stored before you send
 *         try {
 *             const lifepay::Shift shift = lifepay::open_shift(request);
 *             std::cout << "accepted: " << shift.uuid.value_or("(test mode)") << '\n';
 *         } catch (const lifepay::Error &error) {
 *             std::cerr << error.code() << ' ' << error.message() << '\n';
 *         }
 *     }
 *
 *     c++ -std=c++17 till.cpp -llifepay
 *
 * A Z report closes the shift. It is sent like every other document:
 *
 *     request.ext_id.reset();
 *     request.path = "/cloud-print/create-z-report";
 *     const lifepay::Document report = lifepay::send(request);
 *
 * Conventions
 * -----------
 *
 * The documentation in lifepay.h of each field and function applies here too. This header documents the
 * differences.
 *
 * Not given     An empty std::optional, "" and 0 mean "not given".
 * Strings       std::string in UTF-8, in both directions. A string that contains NUL or is not UTF-8 is
 *               an argument error. Returned strings are copies.
 * Times         std::chrono durations; 30s, 5min and the like convert implicitly. `forever`, and any
 *               duration too long for lifepay.h, means "no limit". A negative one is an argument error.
 * Errors        open_shift, send and the members of Outbox throw lifepay::Error. Their variants that
 *               begin with try_ return the code instead and throw only std::bad_alloc.
 * Codes         The LP_... of lifepay.h, as std::int32_t. Handle unknown codes too.
 * Callbacks     Any callable. An exception in one never passes through the library: see
 *               Request::on_progress, Outbox::each and set_log.
 * Threads       Each function may be called from any thread, at any time. So may the members of one
 *               Outbox, except for moving and destroying it.
 * Lifetime      Result, Shift, Document and Entry hold copies. RawResult and Outbox own what they hold;
 *               they can be moved but not copied.
 */
#ifndef LIFEPAY_HPP
#define LIFEPAY_HPP

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lifepay.h"

namespace lifepay {

/// No limit: for Request::retry_for, Request::expires_after and Outbox::wait.
inline constexpr std::chrono::milliseconds forever{LP_FOREVER};

// -------------------------------------------------------------------------------------------------
// Names and texts of codes, the version
// -------------------------------------------------------------------------------------------------

/// Returns the name of a code for logs, such as "LP_ERR_TIMEOUT"; "UNKNOWN" for a code without one.
/// Static.
inline std::string_view code_name(std::int32_t code) noexcept
{
    return lp_code_name(code);
}

/// Returns a Russian sentence about a code, for a cashier, in UTF-8. Static.
inline std::string_view code_text(std::int32_t code) noexcept
{
    return lp_code_text(code);
}

/// Returns the library's version, such as "0.1.0". Static. The header's version is LP_VERSION_MAJOR,
/// _MINOR, _PATCH.
inline std::string_view version() noexcept
{
    return lp_version();
}

/// Returns the library's version as a number, major * 10000 + minor * 100 + patch.
inline std::uint32_t version_number() noexcept
{
    return lp_version_number();
}

// -------------------------------------------------------------------------------------------------
// The request
// -------------------------------------------------------------------------------------------------

/// Root certificates to trust.
enum class Trust : std::int32_t {
    /// Mozilla's roots, which are compiled in, and the system's.
    standard = LP_TRUST_DEFAULT,
    /// Mozilla's roots only.
    bundled = LP_TRUST_BUNDLED,
    /// The system's roots only.
    system = LP_TRUST_SYSTEM,
};

/// The phase of a call.
enum class Phase : std::int32_t {
    /// Resolving the host name, connecting, proxy and TLS.
    connect = LP_PHASE_CONNECT,
    /// Sending the request and waiting for the answer.
    exchange = LP_PHASE_EXCHANGE,
    /// An attempt failed; `code` and `http_status` say how.
    failed = LP_PHASE_FAILED,
    /// Pausing before the next attempt.
    pause = LP_PHASE_PAUSE,
};

/// The state of a call, for on_progress.
struct Progress {
    Phase phase{};
    /// Number of attempts started.
    std::uint32_t attempts = 0;
    /// Why the last attempt failed: LP_ERR_...; LP_PENDING if none has failed yet.
    std::int32_t code = LP_PENDING;
    /// HTTP status of the last failed attempt; 0: no answer arrived.
    std::int32_t http_status = 0;
    /// Time since the start of the call.
    std::chrono::milliseconds elapsed{};
    /// Time until the next attempt, in Phase::failed and Phase::pause. 0 in Phase::failed: there is no
    /// further attempt.
    std::chrono::milliseconds next_attempt{};
};

/// A bool that accepts only a bool: C++ converts every string literal, even "0" or "false", to true.
class Flag {
public:
    template <typename Bool, std::enable_if_t<std::is_same_v<Bool, bool>, int> = 0>
    constexpr Flag(Bool value) noexcept : value_(value)
    {
    }
    constexpr operator bool() const noexcept { return value_; }

private:
    bool value_;
};

/// A request and the settings for sending it: lp_config.
struct Request {
    /// True: test mode; nothing is fiscalised, and LifePay returns no uuid.
    Flag test = false;
    /// Required. The company's API key in LifePay. It never appears in a log line, a message or a
    /// reply.
    std::string apikey;
    /// Required. Login of the company's or the shop's administrator in LifePay, usually a phone number
    /// 7xxxxxxxxxx. If it is a shop's with its own printer, the document goes to that printer.
    std::string login;
    /// The cashier's name.
    std::optional<std::string> cashier_name;
    /// The cashier's INN (taxpayer number).
    std::optional<std::string> cashier_inn;
    /// Serial number of the fiscal printer. Not given: LifePay picks one of the active printers.
    std::optional<std::string> target_serial;
    /// At most 50 characters. Your own identifier of this request. LifePay opens no second shift for
    /// the same ext_id, so a retry with it is safe: store it before you send, and retry with the same
    /// one. Not given: the library generates a UUID and returns it. See ext_id_new, and send for other
    /// documents.
    std::optional<std::string> ext_id;
    /// At most 255 characters. URL to which LifePay reports the document's status.
    std::optional<std::string> callback_url;
    /// A string that LifePay sends back to callback_url.
    std::optional<std::string> callback_data;
    /// Instead of callback_data: the text of a JSON object or array, sent unchanged.
    std::optional<std::string> callback_data_json;
    /// For send and Outbox::submit. The document's path below base_url, such as
    /// "/cloud-print/create-z-report". At most 255 characters. open_shift refuses it.
    std::optional<std::string> path;
    /// For send and Outbox::submit. The document's own fields: the text of a JSON object, whose members
    /// are sent unchanged. It must not contain apikey, login or a field that is given here.
    std::optional<std::string> document_json;
    /// Not given: https://sapi.life-pay.ru. Plain http is accepted for this machine only, for the
    /// sandbox.
    std::optional<std::string> base_url;
    /// http://user:password@host:port, or "none": no proxy. Not given: the environment's proxy and, on
    /// Windows, the system's static setting.
    std::optional<std::string> proxy;
    /// Path, in UTF-8, of a PEM file with root certificates to trust in addition to those of `trust`.
    std::optional<std::string> ca_file;
    /// Root certificates to trust. Verification cannot be turned off.
    Trust trust = Trust::standard;
    /// Time limit of one attempt for resolving the host name, connecting, proxy and TLS. Not given or
    /// 0: 10 s.
    std::optional<std::chrono::milliseconds> connect_timeout;
    /// Time limit of one attempt as a whole. Not given or 0: 30 s.
    std::optional<std::chrono::milliseconds> timeout;
    /// For open_shift and send. 0: one attempt. Otherwise the library retries until LifePay answers or
    /// this time has passed. `forever`: no limit.
    std::chrono::milliseconds retry_for{0};
    /// Pauses between attempts, at most 1000; the last one repeats. Empty: LifePay's schedule of 1, 3
    /// and 5 minutes, then every 10 minutes. If the server's Retry-After is longer, it is used instead.
    std::vector<std::chrono::milliseconds> retry_delays;
    /// Called on your thread after each failed attempt and otherwise about five times a second. False
    /// stops the call within a second with LP_ERR_CANCELLED. An exception stops it too: open_shift and
    /// send rethrow it after the library has returned; try_open_shift and try_send return it in
    /// Result::thrown. Not used by an outbox.
    std::function<bool(const Progress &)> on_progress;
    /// Outbox::submit only. Time, on the wall clock, after which a request is not retried any more.
    /// Not given or 0: 12 hours. `forever`: no limit.
    std::optional<std::chrono::milliseconds> expires_after;
    /// Outbox's constructor only. Number of requests sent in parallel. Not given or 0: 4.
    std::optional<std::uint32_t> concurrency;
    /// Outbox's constructor only. Days for which finished entries are kept. Not given or 0: 30.
    std::optional<std::uint32_t> keep_days;
};

// -------------------------------------------------------------------------------------------------
// The result of a call
// -------------------------------------------------------------------------------------------------

/// Whether LifePay may already have the request. Show this to anyone about to open the shift by hand.
enum class Outcome : std::int32_t {
    /// The call says nothing about a request.
    none = 0,
    /// No byte of the request left this machine in any attempt.
    not_sent = LP_OUTCOME_NOT_SENT,
    /// LifePay may have the request. Retry with the same ext_id only: then LifePay opens no second
    /// shift. For other documents see send.
    unknown = LP_OUTCOME_UNKNOWN,
    /// LifePay answered.
    answered = LP_OUTCOME_ANSWERED,
};

/// A field of the request and the reason why it is wrong, in Russian.
struct FieldError {
    /// Name of the field, as in lp_config, nested names joined by dots; "" if LifePay named none.
    std::string field;
    std::string message;
};

/// The result of a call: a copy of lp_result.
struct Result {
    /// LP_OK, LifePay's code (positive) or LP_ERR_... (negative). LP_PENDING: the request is in the
    /// outbox and has no outcome yet.
    std::int32_t code = LP_ERR_ARGUMENT;
    /// Whether LifePay may have the request, over all attempts.
    Outcome outcome = Outcome::none;
    /// HTTP status of the last attempt; 0: no answer arrived.
    std::int32_t http_status = 0;
    /// Number of attempts.
    std::uint32_t attempts = 0;
    /// If a retry makes sense and is safe: the time to wait before it. Otherwise 0.
    std::chrono::milliseconds retry_after{};
    /// LifePay's uuid of the document. Empty in test mode, and if code is not LP_OK.
    std::optional<std::string> uuid;
    /// The ext_id of the request, given or generated. Empty only if the arguments were wrong or send
    /// was given none.
    std::optional<std::string> ext_id;
    /// What happened and what to do, in Russian, for a person at the till or on the phone.
    std::string message;
    /// The technical reason, for the log.
    std::optional<std::string> detail;
    /// The body that was received, with the apikey masked, for a support request.
    std::optional<std::string> reply;
    /// The wrong fields, as reported by LifePay or by the library.
    std::vector<FieldError> errors;
    /// The exception of on_progress that stopped the call.
    std::exception_ptr thrown;

    /// Whether LifePay accepted the document. The shift may not be open yet, or the document not
    /// printed: see LP_OK in lifepay.h.
    bool ok() const noexcept { return code == LP_OK; }

    /// The code's name, see code_name.
    std::string_view name() const noexcept { return code_name(code); }

    /// For a Result of an outbox: whether the call itself failed, so that `code` is not an entry's. An
    /// entry's codes are LP_PENDING, LP_OK, LifePay's, LP_ERR_CANCELLED and LP_ERR_EXPIRED.
    bool call_failed() const noexcept
    {
        return code < LP_PENDING && code != LP_ERR_CANCELLED && code != LP_ERR_EXPIRED;
    }

    /// Returns *this if code is LP_OK or LP_PENDING. Otherwise throws Error, or the exception of
    /// on_progress. If LifePay answered nevertheless, its answer counts, not the exception.
    const Result &check() const;
};

/// An accepted request. The shift may not be open yet: the cash register's report, a notification to
/// callback_url or LifePay's personal account shows that.
struct Shift {
    /// LifePay's uuid of the document. Empty in test mode.
    std::optional<std::string> uuid;
    /// The ext_id of the request, given or generated.
    std::string ext_id;
    /// The message, in Russian, for a person at the till.
    std::string message;
    /// Number of attempts.
    std::uint32_t attempts = 0;
};

/// An accepted document other than the opening of a shift. It may not be printed yet: the cash register
/// or LifePay's personal account shows that.
struct Document {
    /// LifePay's uuid of the document. Empty in test mode, or if the answer has none.
    std::optional<std::string> uuid;
    /// The ext_id that was sent. Empty if none was given.
    std::optional<std::string> ext_id;
    /// The message, in Russian, for a person at the till.
    std::string message;
    /// Number of attempts.
    std::uint32_t attempts = 0;
    /// The body that was received, with everything LifePay says about this document. The apikey is
    /// masked.
    std::optional<std::string> reply;
};

/// The exception of the functions that do not begin with try_. what() is one line in UTF-8 with name,
/// code, message and field errors.
class Error : public std::runtime_error {
public:
    explicit Error(Result result)
        : std::runtime_error(describe(result)),
          result_(std::make_shared<const Result>(std::move(result)))
    {
    }

    /// The result of the call. Valid as long as this error or a copy of it exists.
    const Result &result() const noexcept { return *result_; }
    /// LifePay's code (positive) or LP_ERR_... (negative).
    std::int32_t code() const noexcept { return result_->code; }
    /// The code's name, see code_name.
    std::string_view name() const noexcept { return result_->name(); }
    /// The message, in Russian, for a person at the till or on the phone.
    const std::string &message() const noexcept { return result_->message; }
    /// Whether LifePay may have the request.
    Outcome outcome() const noexcept { return result_->outcome; }
    /// HTTP status of the last attempt; 0: no answer arrived.
    std::int32_t http_status() const noexcept { return result_->http_status; }
    /// The ext_id of the request, given or generated: retry with it.
    const std::optional<std::string> &ext_id() const noexcept { return result_->ext_id; }
    /// If a retry makes sense and is safe: the time to wait before it. Otherwise 0.
    std::chrono::milliseconds retry_after() const noexcept { return result_->retry_after; }
    /// The wrong fields.
    const std::vector<FieldError> &errors() const noexcept { return result_->errors; }

private:
    static std::string describe(const Result &result)
    {
        std::string text(result.name());
        text += " (" + std::to_string(result.code) + "): " + result.message;
        for (const FieldError &error : result.errors)
            text += "; " + error.field + ": " + error.message;
        return text;
    }

    // Shared, because copying an exception must not throw.
    std::shared_ptr<const Result> result_;
};

inline const Result &Result::check() const
{
    if (thrown && outcome != Outcome::answered)
        std::rethrow_exception(thrown);
    if (code != LP_OK && code != LP_PENDING)
        throw Error(*this);
    return *this;
}

/// An lp_result that is initialised and freed automatically, for your own calls of lifepay.h.
class RawResult {
public:
    RawResult() noexcept { lp_result_init(&raw_, sizeof raw_); }
    ~RawResult() { lp_result_free(&raw_); }
    RawResult(RawResult &&other) noexcept : RawResult() { std::swap(raw_, other.raw_); }
    RawResult &operator=(RawResult &&other) noexcept
    {
        if (this != &other) {
            lp_result_free(&raw_);
            std::swap(raw_, other.raw_);
        }
        return *this;
    }
    RawResult(const RawResult &) = delete;
    RawResult &operator=(const RawResult &) = delete;

    /// Returns the pointer to pass to a function of lifepay.h. Valid until this object is moved or
    /// destroyed.
    lp_result *get() noexcept { return &raw_; }
    const lp_result *operator->() const noexcept { return &raw_; }

    /// Returns a copy that is independent of this object.
    Result copy() const
    {
        Result result;
        result.code = raw_.code;
        result.outcome = static_cast<Outcome>(raw_.outcome);
        result.http_status = raw_.http_status;
        result.attempts = raw_.attempts;
        result.retry_after = std::chrono::milliseconds(raw_.retry_after_ms);
        result.uuid = text(raw_.uuid);
        result.ext_id = text(raw_.ext_id);
        result.message = text(raw_.message).value_or(std::string());
        result.detail = text(raw_.detail);
        result.reply = text(raw_.reply);
        for (std::uint32_t i = 0; i < raw_.error_count; ++i)
            result.errors.push_back({raw_.errors[i].field, raw_.errors[i].message});
        return result;
    }

private:
    static std::optional<std::string> text(const char *pointer)
    {
        return pointer ? std::optional<std::string>(pointer) : std::nullopt;
    }

    lp_result raw_;
};

// -------------------------------------------------------------------------------------------------
// Between C++ and C: not for programs
// -------------------------------------------------------------------------------------------------

namespace detail {

/// Returns the result of a call with wrong arguments, which did not call the library.
inline Result refused(std::vector<FieldError> errors)
{
    Result result;
    result.code = LP_ERR_ARGUMENT;
    result.outcome = Outcome::not_sent;
    result.message = code_text(LP_ERR_ARGUMENT);
    result.errors = std::move(errors);
    return result;
}

/// Throws if a call that returns only a code has failed.
inline void check(std::int32_t code)
{
    if (code == LP_OK)
        return;
    Result result;
    result.code = code;
    result.message = code_text(code);
    throw Error(std::move(result));
}

/// Converts arguments for C, and collects the faults of those that C cannot represent.
class Arguments {
public:
    std::vector<FieldError> errors;

    /// Returns `value` for C. Valid as long as `value` exists.
    const char *text(const char *field, const std::string &value)
    {
        if (value.find('\0') != std::string::npos)
            errors.push_back({field, "содержит нулевой байт"});
        return value.c_str();
    }

    const char *text(const char *field, const std::optional<std::string> &value)
    {
        return value ? text(field, *value) : nullptr;
    }

    std::uint32_t milliseconds(const char *field, std::chrono::milliseconds value)
    {
        if (value < std::chrono::milliseconds::zero())
            errors.push_back({field, "отрицательное время"});
        return value < forever ? static_cast<std::uint32_t>(value.count()) : LP_FOREVER;
    }

    std::uint32_t milliseconds(const char *field,
                               const std::optional<std::chrono::milliseconds> &value)
    {
        return value ? milliseconds(field, *value) : 0;
    }
};

/// A request as an lp_config. It borrows from the request and must not be moved.
class Config : public Arguments {
public:
    explicit Config(const Request &request)
    {
        lp_config_init(&raw_, sizeof raw_);
        raw_.test = request.test ? 1 : 0;
        raw_.apikey = text("apikey", request.apikey);
        raw_.login = text("login", request.login);
        raw_.cashier_name = text("cashier_name", request.cashier_name);
        raw_.cashier_inn = text("cashier_inn", request.cashier_inn);
        raw_.target_serial = text("target_serial", request.target_serial);
        raw_.ext_id = text("ext_id", request.ext_id);
        raw_.callback_url = text("callback_url", request.callback_url);
        raw_.callback_data = text("callback_data", request.callback_data);
        raw_.callback_data_json = text("callback_data_json", request.callback_data_json);
        raw_.path = text("path", request.path);
        raw_.document_json = text("document_json", request.document_json);
        raw_.base_url = text("base_url", request.base_url);
        raw_.proxy = text("proxy", request.proxy);
        raw_.ca_file = text("ca_file", request.ca_file);
        raw_.trust = static_cast<std::int32_t>(request.trust);
        raw_.connect_timeout_ms = milliseconds("connect_timeout_ms", request.connect_timeout);
        raw_.timeout_ms = milliseconds("timeout_ms", request.timeout);
        raw_.retry_for_ms = milliseconds("retry_for_ms", request.retry_for);
        for (const std::chrono::milliseconds delay : request.retry_delays)
            delays_.push_back(milliseconds("retry_delays_ms", delay));
        raw_.retry_delays_ms = delays_.empty() ? nullptr : delays_.data();
        raw_.retry_delay_count = delays_.size() < LP_FOREVER
                                     ? static_cast<std::uint32_t>(delays_.size())
                                     : LP_FOREVER;
        raw_.expires_after_ms = milliseconds("expires_after_ms", request.expires_after);
        raw_.concurrency = request.concurrency.value_or(0);
        raw_.keep_days = request.keep_days.value_or(0);
    }
    Config(const Config &) = delete;
    Config &operator=(const Config &) = delete;

    lp_config *get() noexcept { return &raw_; }

private:
    lp_config raw_{};
    std::vector<std::uint32_t> delays_;
};

/// A callback and its exception, which is kept here because it must not pass through C.
template <typename Function>
struct Relay {
    Function &function;
    std::exception_ptr thrown;
};

using ProgressRelay = Relay<const std::function<bool(const Progress &)>>;

extern "C" inline std::int32_t LP_CALL lifepay_hpp_progress(const lp_progress *raw,
                                                            void *user_data) noexcept
{
    auto &relay = *static_cast<ProgressRelay *>(user_data);
    if (relay.thrown)
        return 1;
    try {
        Progress progress;
        progress.phase = static_cast<Phase>(raw->phase);
        progress.attempts = raw->attempts;
        progress.code = raw->code;
        progress.http_status = raw->http_status;
        progress.elapsed = std::chrono::milliseconds(raw->elapsed_ms);
        progress.next_attempt = std::chrono::milliseconds(raw->next_attempt_ms);
        return relay.function(progress) ? 0 : 1;
    } catch (...) {
        relay.thrown = std::current_exception();
        return 1;
    }
}

/// Makes a call that sends a request and waits for the answer.
template <typename Function>
Result send(Function *call, const Request &request)
{
    Config config(request);
    if (!config.errors.empty())
        return refused(std::move(config.errors));
    ProgressRelay relay{request.on_progress, nullptr};
    if (request.on_progress) {
        config.get()->on_progress = lifepay_hpp_progress;
        config.get()->user_data = &relay;
    }
    RawResult raw;
    const std::int32_t code = call(config.get(), raw.get());
    Result result = raw.copy();
    result.code = code;
    if (result.message.empty())
        result.message = code_text(code);
    result.thrown = relay.thrown;
    return result;
}

} // namespace detail

// -------------------------------------------------------------------------------------------------
// Opening a shift
// -------------------------------------------------------------------------------------------------

/// Opens a shift: lp_open_shift. Blocks until LifePay answers, a time limit or retry_for expires, or
/// on_progress stops the call.
///
/// Throws only std::bad_alloc: see Result::code, and Result::thrown for the exception of on_progress.
inline Result try_open_shift(const Request &request)
{
    return detail::send(lp_open_shift, request);
}

/// Opens a shift as try_open_shift does, and returns it if LifePay accepted the document.
///
/// Otherwise throws Error: Error::outcome says whether LifePay may have the request; retry with the
/// same ext_id. Rethrows the exception of on_progress, unless LifePay answered nevertheless. If
/// on_progress may throw, set an ext_id, because its exception does not contain a generated one.
inline Shift open_shift(const Request &request)
{
    Result result = try_open_shift(request);
    result.check();
    return {std::move(result.uuid), std::move(result.ext_id).value_or(std::string()),
            std::move(result.message), result.attempts};
}

// -------------------------------------------------------------------------------------------------
// Closing the shift, receipts and the rest
// -------------------------------------------------------------------------------------------------

/// Sends any other document of LifePay's cloud print, which Request::path selects: a Z report, which
/// closes the shift, a receipt, a correction. lp_send. Blocks like try_open_shift.
///
/// The library generates no ext_id here. That a second request with the same ext_id makes no second
/// document is published for the opening of a shift only; look up on LifePay's page whether it holds
/// for this document. Without an ext_id nothing is sent twice: retry_for is an argument error, and
/// after Outcome::unknown you must check LifePay's personal account before you send again. Never use
/// one ext_id for two documents.
///
/// Throws only std::bad_alloc, as try_open_shift.
inline Result try_send(const Request &request)
{
    return detail::send(lp_send, request);
}

/// Sends a document as try_send does, and returns it if LifePay accepted it.
///
/// Otherwise throws Error. Rethrows the exception of on_progress, unless LifePay answered nevertheless.
inline Document send(const Request &request)
{
    Result result = try_send(request);
    result.check();
    return {std::move(result.uuid), std::move(result.ext_id), std::move(result.message),
            result.attempts, std::move(result.reply)};
}

// -------------------------------------------------------------------------------------------------
// JSON instead of a Request, and generating an ext_id
// -------------------------------------------------------------------------------------------------

/// The result of open_shift_json and send_json.
struct JsonAnswer {
    /// The value of "code" in the answer.
    std::int32_t code = LP_OK;
    /// A JSON object with every field of lp_result. Empty only in a log callback, and if the library
    /// caught a defect of its own while it wrote the answer.
    std::string json;
};

namespace detail {

template <typename Function>
JsonAnswer send_json(Function *call, const std::string &request)
{
    Arguments arguments;
    const char *text = arguments.text("request", request);
    if (!arguments.errors.empty())
        throw Error(refused(std::move(arguments.errors)));
    char *answer = nullptr;
    const std::int32_t code = call(text, &answer);
    const std::unique_ptr<char, void (*)(char *)> owned(answer, [](char *string) {
        lp_string_free(string);
    });
    return {code, answer ? answer : ""};
}

} // namespace detail

/// Opens a shift with settings in JSON, for example from a file: lp_open_shift_json. The keys are the
/// fields of lp_config. There is no on_progress.
///
/// Throws Error if request contains NUL. The answer reports all other errors.
inline JsonAnswer open_shift_json(const std::string &request)
{
    return detail::send_json(lp_open_shift_json, request);
}

/// Sends a document with settings in JSON: lp_send_json. The value of document_json may be an object or
/// the text of one.
inline JsonAnswer send_json(const std::string &request)
{
    return detail::send_json(lp_send_json, request);
}

/// Generates an ext_id, a random UUID. Store it, then send with it: then a retry is safe even after a
/// crash.
inline std::string ext_id_new()
{
    char buffer[64] = "";
    detail::check(lp_ext_id_new(buffer, sizeof buffer));
    return buffer;
}

// -------------------------------------------------------------------------------------------------
// The outbox
// -------------------------------------------------------------------------------------------------

/// A time on the wall clock.
using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// A request in an outbox: a copy of lp_entry.
struct Entry {
    /// LP_PENDING, or how the entry finished: LP_OK, a code of LifePay's, LP_ERR_CANCELLED or
    /// LP_ERR_EXPIRED.
    std::int32_t code = LP_PENDING;
    /// Whether LifePay may have the request, over all attempts, including those before a restart.
    Outcome outcome = Outcome::none;
    /// The entry is pending. Otherwise it is finished.
    bool pending = false;
    /// An attempt is running.
    bool sending = false;
    /// The entry belongs to another base_url than this outbox, which does not send it.
    bool foreign = false;
    /// Number of attempts started.
    std::uint32_t attempts = 0;
    /// HTTP status of the last attempt; 0: no answer arrived.
    std::int32_t http_status = 0;
    Time submitted_at;
    /// When the next attempt is due. Empty: none is.
    std::optional<Time> next_attempt_at;
    /// When the entry finished: answered, cancelled or expired. Empty: it is pending.
    std::optional<Time> answered_at;
    /// Deadline for retries. Empty: none.
    std::optional<Time> expires_at;
    std::string ext_id;
    std::string login;
    std::optional<std::string> target_serial;
    /// The base_url that the entry belongs to.
    std::string base_url;
    /// LifePay's uuid of the document.
    std::optional<std::string> uuid;
    /// The message, in Russian, for a person at the till.
    std::string message;
    /// The document's path below base_url, /cloud-print/create-session for the opening of a shift.
    /// Empty: a kind of document that only a later version of the library knows, and which waits for
    /// that version.
    std::optional<std::string> path;
};

namespace detail {

inline Entry copy(const lp_entry &raw)
{
    const auto time = [](std::int64_t ms) { return Time(std::chrono::milliseconds(ms)); };
    const auto optional_time = [&time](std::int64_t ms) {
        return ms != 0 ? std::optional<Time>(time(ms)) : std::nullopt;
    };
    const auto optional_text = [](const char *text) {
        return text ? std::optional<std::string>(text) : std::nullopt;
    };
    Entry entry;
    entry.code = raw.code;
    entry.outcome = static_cast<Outcome>(raw.outcome);
    entry.pending = (raw.flags & LP_ENTRY_PENDING) != 0;
    entry.sending = (raw.flags & LP_ENTRY_SENDING) != 0;
    entry.foreign = (raw.flags & LP_ENTRY_FOREIGN) != 0;
    entry.attempts = raw.attempts;
    entry.http_status = raw.http_status;
    entry.submitted_at = time(raw.submitted_at);
    entry.next_attempt_at = optional_time(raw.next_attempt_at);
    entry.answered_at = optional_time(raw.answered_at);
    entry.expires_at = optional_time(raw.expires_at);
    entry.ext_id = raw.ext_id;
    entry.login = raw.login;
    entry.target_serial = optional_text(raw.target_serial);
    entry.base_url = raw.base_url;
    entry.uuid = optional_text(raw.uuid);
    entry.message = raw.message;
    entry.path = optional_text(raw.path);
    return entry;
}

using EntryRelay = Relay<const std::function<bool(const Entry &)>>;

extern "C" inline std::int32_t LP_CALL lifepay_hpp_entry(const lp_entry *raw,
                                                         void *user_data) noexcept
{
    auto &relay = *static_cast<EntryRelay *>(user_data);
    try {
        return relay.function(copy(*raw)) ? 0 : 1;
    } catch (...) {
        relay.thrown = std::current_exception();
        return 1;
    }
}

} // namespace detail

/// An outbox: requests on disk, retried in the background until LifePay answers. None is lost to a
/// crash or a power cut, and the calls do not wait for the network.
///
/// The destructor closes it. Pending entries stay in the file and are sent when it is opened again. All
/// calls on a closed, moved-from or default-constructed outbox fail with LP_ERR_CLOSED.
class Outbox {
public:
    /// Makes a closed outbox.
    Outbox() noexcept = default;

    /// Opens a file of requests, creates it if it does not exist, and starts to send its pending
    /// entries: lp_outbox_open. The call itself does not use the network.
    ///
    /// path: in UTF-8, on a local disk. settings: see lp_outbox_open for the fields that are used;
    /// apikey is required.
    ///
    /// Throws Error: LP_ERR_ARGUMENT, or LP_ERR_OUTBOX, whose message says what to do.
    Outbox(const std::string &path, const Request &settings) : Outbox()
    {
        Result result = try_open(path, settings, *this);
        if (!result.ok())
            throw Error(std::move(result));
    }

    /// The constructor without exceptions. outbox: closed first, and open if the Result is ok().
    static Result try_open(const std::string &path, const Request &settings, Outbox &outbox)
    {
        outbox.close();
        detail::Config config(settings);
        const char *file = config.text("path", path);
        if (!config.errors.empty())
            return detail::refused(std::move(config.errors));
        lp_outbox *handle = nullptr;
        RawResult raw;
        const std::int32_t code = lp_outbox_open(file, config.get(), &handle, raw.get());
        outbox.handle_ = handle;
        return answer(raw, code);
    }

    ~Outbox() { close(); }
    Outbox(Outbox &&other) noexcept : handle_(other.handle_.exchange(nullptr)) {}
    Outbox &operator=(Outbox &&other) noexcept
    {
        if (this != &other) {
            close();
            handle_ = other.handle_.exchange(nullptr);
        }
        return *this;
    }
    Outbox(const Outbox &) = delete;
    Outbox &operator=(const Outbox &) = delete;

    /// Whether the outbox is open.
    explicit operator bool() const noexcept { return handle_.load() != nullptr; }

    /// Returns the handle for your own calls of lifepay.h; NULL if closed. This object still owns it.
    lp_outbox *get() const noexcept { return handle_; }

    /// Stores a request on disk; the outbox sends it in the background: lp_outbox_submit.
    ///
    /// request: the fields of the request and expires_after are used. If apikey or login is not given,
    /// the constructor's is used. With path it is another document than the opening of a shift, and
    /// ext_id is required, because an outbox retries.
    ///
    /// Returns the entry: code is LP_PENDING, or the code with which the entry finished; ext_id is the
    /// given or generated one. Throws Error if nothing was submitted: LP_ERR_ARGUMENT, LP_ERR_OUTBOX,
    /// LP_ERR_CLOSED.
    Result submit(const Request &request) { return completed(try_submit(request)); }

    /// submit without exceptions: see Result::call_failed.
    Result try_submit(const Request &request)
    {
        detail::Config config(request);
        if (!config.errors.empty())
            return detail::refused(std::move(config.errors));
        RawResult raw;
        const std::int32_t code = lp_outbox_submit(handle_, config.get(), raw.get());
        return answer(raw, code);
    }

    /// Waits until an entry is finished, up to `timeout`; 0 returns at once: lp_outbox_wait.
    ///
    /// Returns the entry: code is LP_PENDING if it is not finished. A rejection is an outcome, not an
    /// exception; Result::check throws it. Throws Error: LP_ERR_NOT_FOUND if there is no such entry,
    /// LP_ERR_CLOSED, also if the outbox is closed during the wait.
    Result wait(const std::string &ext_id, std::chrono::milliseconds timeout = forever)
    {
        return completed(try_wait(ext_id, timeout));
    }

    /// wait without exceptions: see Result::call_failed.
    Result try_wait(const std::string &ext_id, std::chrono::milliseconds timeout = forever)
    {
        detail::Arguments arguments;
        const char *id = arguments.text("ext_id", ext_id);
        const std::uint32_t limit = arguments.milliseconds("timeout_ms", timeout);
        if (!arguments.errors.empty())
            return detail::refused(std::move(arguments.errors));
        RawResult raw;
        const std::int32_t code = lp_outbox_wait(handle_, id, limit, raw.get());
        return answer(raw, code);
    }

    /// Stops the retries of an entry: lp_outbox_cancel. An attempt under way is cut off within a
    /// second; if its answer arrives first, the answer is kept.
    ///
    /// Returns the entry: code is LP_ERR_CANCELLED, or the code with which the entry finished before.
    /// outcome says whether LifePay may have the request. Throws Error: LP_ERR_NOT_FOUND,
    /// LP_ERR_OUTBOX, LP_ERR_CLOSED.
    Result cancel(const std::string &ext_id) { return completed(try_cancel(ext_id)); }

    /// cancel without exceptions: see Result::call_failed.
    Result try_cancel(const std::string &ext_id)
    {
        detail::Arguments arguments;
        const char *id = arguments.text("ext_id", ext_id);
        if (!arguments.errors.empty())
            return detail::refused(std::move(arguments.errors));
        RawResult raw;
        const std::int32_t code = lp_outbox_cancel(handle_, id, raw.get());
        return answer(raw, code);
    }

    /// Calls any callable for every entry, in the order in which the entries were first submitted:
    /// lp_outbox_each. False ends the iteration. The callable may call every function. An exception in
    /// it ends the iteration too, and is rethrown after the library has returned.
    ///
    /// Throws Error: LP_ERR_OUTBOX, LP_ERR_CLOSED.
    void each(const std::function<bool(const Entry &)> &function) const
    {
        detail::EntryRelay relay{function, nullptr};
        const std::int32_t code = lp_outbox_each(
            handle_, function ? detail::lifepay_hpp_entry : nullptr, &relay);
        if (relay.thrown)
            std::rethrow_exception(relay.thrown);
        detail::check(code);
    }

    /// Returns all entries, in the order in which they were first submitted. Throws Error as each does.
    std::vector<Entry> entries() const
    {
        std::vector<Entry> entries;
        each([&entries](const Entry &entry) {
            entries.push_back(entry);
            return true;
        });
        return entries;
    }

    /// Sends a pending entry at once, and a rejected entry again: lp_outbox_retry_now. ext_id not given
    /// or "": all entries that are pending or rejected and have not expired.
    ///
    /// Throws Error: LP_ERR_NOT_FOUND, LP_ERR_OUTBOX, LP_ERR_CLOSED, or LP_ERR_ARGUMENT for an entry
    /// that was accepted or cancelled, has expired or belongs to another base_url; then its message and
    /// outcome are the entry's.
    void retry_now(const std::string &ext_id = {}) { check(try_retry_now(ext_id), ext_id); }

    /// retry_now without exceptions: returns the code.
    std::int32_t try_retry_now(const std::string &ext_id = {})
    {
        detail::Arguments arguments;
        const char *id = arguments.text("ext_id", ext_id);
        return arguments.errors.empty() ? lp_outbox_retry_now(handle_, id) : LP_ERR_ARGUMENT;
    }

    /// Removes a finished entry: lp_outbox_forget. Throws Error: LP_ERR_NOT_FOUND, LP_ERR_OUTBOX,
    /// LP_ERR_CLOSED, or LP_ERR_ARGUMENT if the entry is pending (cancel it first); then its message
    /// and outcome are the entry's.
    void forget(const std::string &ext_id) { check(try_forget(ext_id), ext_id); }

    /// forget without exceptions: returns the code.
    std::int32_t try_forget(const std::string &ext_id)
    {
        detail::Arguments arguments;
        const char *id = arguments.text("ext_id", ext_id);
        return arguments.errors.empty() ? lp_outbox_forget(handle_, id) : LP_ERR_ARGUMENT;
    }

    /// Returns the number of pending entries that this outbox sends: lp_outbox_pending. Throws Error:
    /// LP_ERR_OUTBOX, LP_ERR_CLOSED.
    std::uint32_t pending() const
    {
        std::uint32_t count = 0;
        detail::check(lp_outbox_pending(handle_, &count));
        return count;
    }

    /// Closes the outbox: lp_outbox_close. On other threads, wait fails with LP_ERR_CLOSED. Returns
    /// within a second: LP_OK, or LP_ERR_CLOSED if the outbox is closed already.
    std::int32_t close() noexcept
    {
        lp_outbox *handle = handle_.exchange(nullptr);
        return handle ? lp_outbox_close(handle) : LP_ERR_CLOSED;
    }

private:
    /// Returns the entry that a call describes, with the call's code if it failed.
    static Result answer(const RawResult &raw, std::int32_t returned)
    {
        Result result = raw.copy();
        if (returned != LP_OK)
            result.code = returned;
        if (result.message.empty())
            result.message = code_text(result.code);
        return result;
    }

    /// Throws if a call about an entry failed. Such a call returns only a code; if it was refused, the
    /// entry's own message gives the reason.
    void check(std::int32_t code, const std::string &ext_id)
    {
        if (code != LP_ERR_ARGUMENT)
            return detail::check(code);
        Result result = try_wait(ext_id, std::chrono::milliseconds::zero());
        if (!result.call_failed())
            result.code = code;
        throw Error(std::move(result));
    }

    static Result completed(Result result)
    {
        if (result.call_failed())
            throw Error(std::move(result));
        return result;
    }

    // Atomic, so that close may be called while other threads wait.
    std::atomic<lp_outbox *> handle_{nullptr};
};

// -------------------------------------------------------------------------------------------------
// The log
// -------------------------------------------------------------------------------------------------

/// The most verbose level to report.
enum class LogLevel : std::int32_t {
    off = LP_LOG_OFF,
    /// LifePay rejected a request, or the library caught a defect of its own.
    error = LP_LOG_ERROR,
    /// Failed attempts, and calls with wrong arguments.
    warn = LP_LOG_WARN,
    /// Successful attempts.
    info = LP_LOG_INFO,
    /// Decisions that the library makes on the way.
    debug = LP_LOG_DEBUG,
    /// Bodies sent and received, with the apikey masked.
    trace = LP_LOG_TRACE,
};

/// A log callable. The line is in UTF-8 and valid only during the call.
using LogFunction = std::function<void(LogLevel, std::string_view)>;

namespace detail {

struct LogHolder {
    std::mutex mutex;
    std::unique_ptr<LogFunction> function;
};

/// Never destroyed, because the library's threads may log until the process exits.
inline LogHolder &log_holder()
{
    static LogHolder *holder = new LogHolder;
    return *holder;
}

inline bool &in_log_function() noexcept
{
    thread_local bool inside = false;
    return inside;
}

extern "C" inline void LP_CALL lifepay_hpp_log(std::int32_t level, const char *message,
                                               void *user_data) noexcept
{
    const bool outer = std::exchange(in_log_function(), true);
    try {
        (*static_cast<const LogFunction *>(user_data))(static_cast<LogLevel>(level), message);
    } catch (...) {
        // The exception cannot be reported, and a log line must not stop the work that logs it.
    }
    in_log_function() = outer;
}

} // namespace detail

/// Sets the log callable, replacing the previous one: lp_set_log. An empty callable, or LogLevel::off,
/// stops the log.
///
/// The callable is copied or moved, and kept until it is replaced. When set_log returns, no thread is
/// inside the previous one, and it has been destroyed. The last callable is not destroyed when the
/// process exits; stop the log before the objects that it refers to are destroyed.
///
/// It may be called from any thread, and by several at once. It may call version, version_number,
/// code_name, code_text and ext_id_new; every other function fails there with LP_ERR_ARGUMENT. Its
/// exceptions are dropped. set_log waits for a running callable without a time limit: do not hold a
/// lock that the callable takes.
///
/// Throws Error in a log callable, and for an invalid level; then the previous callable stays in use.
inline void set_log(LogFunction function, LogLevel level = LogLevel::info)
{
    if (detail::in_log_function())
        detail::check(LP_ERR_ARGUMENT);
    // Destroyed after the lock is released; by then it holds the previous callable.
    std::unique_ptr<LogFunction> kept;
    if (function && level != LogLevel::off)
        kept = std::make_unique<LogFunction>(std::move(function));
    detail::LogHolder &holder = detail::log_holder();
    const std::lock_guard<std::mutex> lock(holder.mutex);
    detail::check(lp_set_log(kept ? detail::lifepay_hpp_log : nullptr, kept.get(),
                             static_cast<std::int32_t>(level)));
    holder.function.swap(kept);
}

/// Writes the log to a file, replacing the previous file: lp_log_to_file.
///
/// path: in UTF-8; "": no file. max_bytes: the size at which the file is renamed to path + ".old" and a
/// new file is started; 0: 10 MiB.
///
/// Throws Error (LP_ERR_ARGUMENT) if the file cannot be written; then the previous file stays in use.
inline void log_to_file(const std::string &path, LogLevel level = LogLevel::info,
                        std::uint32_t max_bytes = 0)
{
    detail::Arguments arguments;
    const char *file = arguments.text("path", path);
    if (!arguments.errors.empty())
        throw Error(detail::refused(std::move(arguments.errors)));
    detail::check(lp_log_to_file(file, static_cast<std::int32_t>(level), max_bytes));
}

} // namespace lifepay

#endif // LIFEPAY_HPP
