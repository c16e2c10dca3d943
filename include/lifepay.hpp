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
 * The shift is closed by a Z report, which is sent as every other document is:
 *
 *     request.ext_id.reset();
 *     request.path = "/cloud-print/create-z-report";
 *     const lifepay::Document report = lifepay::send(request);
 *
 * Conventions
 * -----------
 *
 * What lifepay.h says of each field and function holds here too; this header says what is different.
 *
 * Not given     is an empty std::optional, as well as "" and 0.
 * Strings       are std::string in UTF-8, in both directions. One that contains NUL is an argument
 *               error, as is what is not UTF-8. What is returned is a copy, and yours.
 * Times         are std::chrono durations; 30s, 5min and the like convert by themselves. `forever`, and
 *               anything too long for lifepay.h, is without a limit; negative is an argument error.
 * Errors        open_shift, send and the members of Outbox throw lifepay::Error. Their twins that begin
 *               with try_ return the code instead and throw nothing but std::bad_alloc.
 * Codes         are the LP_... of lifepay.h, as std::int32_t: be ready for ones that you do not know.
 * Callbacks     are any callable. An exception in one never passes through the library: see
 *               Request::on_progress, Outbox::each and set_log.
 * Threads       Each function may be called from any thread, at any time. So may the members of one
 *               Outbox, but for moving and destroying it.
 * Lifetime      Result, Shift, Document and Entry hold copies. RawResult and Outbox own what they hold, can be
 *               moved and not copied.
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

/// Without a limit: for Request::retry_for, Request::expires_after and Outbox::wait.
inline constexpr std::chrono::milliseconds forever{LP_FOREVER};

// -------------------------------------------------------------------------------------------------
// Codes in words, the version
// -------------------------------------------------------------------------------------------------

/// The name of a code for logs, such as "LP_ERR_TIMEOUT"; "UNKNOWN" for one that has none. Static.
inline std::string_view code_name(std::int32_t code) noexcept
{
    return lp_code_name(code);
}

/// A code as a Russian sentence for a cashier, in UTF-8. Static.
inline std::string_view code_text(std::int32_t code) noexcept
{
    return lp_code_text(code);
}

/// The library's version, such as "0.1.0". Static. The header's is LP_VERSION_MAJOR, _MINOR, _PATCH.
inline std::string_view version() noexcept
{
    return lp_version();
}

/// The library's version as a number, major * 10000 + minor * 100 + patch.
inline std::uint32_t version_number() noexcept
{
    return lp_version_number();
}

// -------------------------------------------------------------------------------------------------
// The request
// -------------------------------------------------------------------------------------------------

/// Whose certificates are trusted.
enum class Trust : std::int32_t {
    /// Mozilla's roots, compiled in, and the system's, together.
    standard = LP_TRUST_DEFAULT,
    /// Mozilla's roots only.
    bundled = LP_TRUST_BUNDLED,
    /// The system's roots only.
    system = LP_TRUST_SYSTEM,
};

/// What a call is at.
enum class Phase : std::int32_t {
    /// Name resolution, connect, proxy and TLS.
    connect = LP_PHASE_CONNECT,
    /// The request is sent and its answer awaited.
    exchange = LP_PHASE_EXCHANGE,
    /// An attempt has failed; `code` and `http_status` say how.
    failed = LP_PHASE_FAILED,
    /// The pause before the next attempt.
    pause = LP_PHASE_PAUSE,
};

/// What on_progress is told.
struct Progress {
    Phase phase{};
    /// How many attempts have been begun.
    std::uint32_t attempts = 0;
    /// Why the last attempt failed: LP_ERR_.... LP_PENDING before one has.
    std::int32_t code = LP_PENDING;
    /// HTTP status of the last failed attempt; 0: none came.
    std::int32_t http_status = 0;
    /// Since the call began.
    std::chrono::milliseconds elapsed{};
    /// Until the next attempt, in Phase::failed and Phase::pause. 0 in Phase::failed: it was the last.
    std::chrono::milliseconds next_attempt{};
};

/// A bool that takes nothing but a bool: to C++ every text, "0" and "false" too, is true.
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

/// The request and how it is sent: lp_config.
struct Request {
    /// True: test mode, nothing is fiscalised and LifePay gives no uuid.
    Flag test = false;
    /// Required. The company's API key in LifePay. It appears in no log line, message or reply.
    std::string apikey;
    /// Required. Login of the company's or the shop's administrator in LifePay, as a rule a phone
    /// number 7xxxxxxxxxx. If it is a shop's with a printer of its own, the document goes to that.
    std::string login;
    /// The cashier's name.
    std::optional<std::string> cashier_name;
    /// The cashier's INN.
    std::optional<std::string> cashier_inn;
    /// Serial number of the fiscal printer; not given: LifePay takes one of the active ones.
    std::optional<std::string> target_serial;
    /// At most 50 characters. Your own identifier of this request. LifePay opens no second shift for
    /// the same ext_id, which is what makes a repeat safe: store it before you send, and repeat with
    /// the same one. Not given: a UUID is made and returned. See ext_id_new. For other documents see
    /// send.
    std::optional<std::string> ext_id;
    /// At most 255 characters. URL to which LifePay reports what became of the document.
    std::optional<std::string> callback_url;
    /// A string that LifePay sends back to callback_url.
    std::optional<std::string> callback_data;
    /// In place of callback_data: the text of a JSON object or array, sent as it is.
    std::optional<std::string> callback_data_json;
    /// send and Outbox::submit: which document it is, as its path below base_url, such as
    /// "/cloud-print/create-z-report". At most 255 characters. open_shift refuses it.
    std::optional<std::string> path;
    /// send and Outbox::submit. The document's own fields: the text of a JSON object, whose members go
    /// into the request as they stand. apikey, login and fields that are given here must not be
    /// members too.
    std::optional<std::string> document_json;
    /// Not given: https://sapi.life-pay.ru. Plain http only to this machine, for the sandbox.
    std::optional<std::string> base_url;
    /// http://user:password@host:port, or "none": no proxy. Not given: the environment's and, on
    /// Windows, the system's static setting.
    std::optional<std::string> proxy;
    /// Path, in UTF-8, of a PEM file of root certificates that are trusted besides those of `trust`.
    std::optional<std::string> ca_file;
    /// Whose certificates are trusted. Verification cannot be turned off.
    Trust trust = Trust::standard;
    /// For name resolution, connect, proxy and TLS of one attempt. Not given or 0: 10 s.
    std::optional<std::chrono::milliseconds> connect_timeout;
    /// For one attempt, all of it. Not given or 0: 30 s.
    std::optional<std::chrono::milliseconds> timeout;
    /// open_shift and send. 0: one attempt. Otherwise attempts are made until LifePay has answered or
    /// this time has passed. `forever`: no limit.
    std::chrono::milliseconds retry_for{0};
    /// The pauses between attempts, at most 1000; the last one repeats. Empty: LifePay's timetable, 1,
    /// 3 and 5 minutes, then every 10. A longer Retry-After of the server is honoured.
    std::vector<std::chrono::milliseconds> retry_delays;
    /// Called on your thread after each failed attempt and about five times a second at all other
    /// times. False stops the call within a second: LP_ERR_CANCELLED. An exception stops it too:
    /// open_shift and send throw it again after the library has returned, try_open_shift and try_send
    /// hand it over in Result::thrown. Not called for an outbox.
    std::function<bool(const Progress &)> on_progress;
    /// Outbox::submit only. After this time, by the wall clock, a request is not repeated any more.
    /// Not given or 0: 12 hours. `forever`: never.
    std::optional<std::chrono::milliseconds> expires_after;
    /// Outbox's constructor only. Requests at once. Not given or 0: 4.
    std::optional<std::uint32_t> concurrency;
    /// Outbox's constructor only. Days for which finished entries are kept. Not given or 0: 30.
    std::optional<std::uint32_t> keep_days;
};

// -------------------------------------------------------------------------------------------------
// What came of a call
// -------------------------------------------------------------------------------------------------

/// What the code cannot say. A cashier who opens the shift by hand must know it.
enum class Outcome : std::int32_t {
    /// The call has no request that it could speak of.
    none = 0,
    /// No byte of the request left this machine in any attempt.
    not_sent = LP_OUTCOME_NOT_SENT,
    /// LifePay may have it. Repeat with this ext_id only: then LifePay opens no second shift. For
    /// other documents see send.
    unknown = LP_OUTCOME_UNKNOWN,
    /// LifePay has answered.
    answered = LP_OUTCOME_ANSWERED,
};

/// One field of the request and what is wrong with it, in Russian.
struct FieldError {
    /// "" if LifePay named none. Nested ones are joined by dots. The names are lp_config's.
    std::string field;
    std::string message;
};

/// What came of a call: lp_result, copied.
struct Result {
    /// LP_OK, LifePay's code (positive) or LP_ERR_... (negative); LP_PENDING: in the outbox, no
    /// outcome yet.
    std::int32_t code = LP_ERR_ARGUMENT;
    /// Whether LifePay may have the request, over all attempts.
    Outcome outcome = Outcome::none;
    /// HTTP status of the last attempt; 0: no answer came.
    std::int32_t http_status = 0;
    /// How many attempts were made.
    std::uint32_t attempts = 0;
    /// After which to repeat, where a repeat makes sense; otherwise 0.
    std::chrono::milliseconds retry_after{};
    /// The document's uuid from LifePay. None in test mode, and if code is not LP_OK.
    std::optional<std::string> uuid;
    /// The ext_id that was sent, given or made. None only if the arguments were wrong, or send was
    /// given none.
    std::optional<std::string> ext_id;
    /// In Russian, for a person at the till or on the phone: what happened and what to do.
    std::string message;
    /// Technical, for the log.
    std::optional<std::string> detail;
    /// The body that was received, for a support request, the apikey masked.
    std::optional<std::string> reply;
    /// The fields that are wrong, LifePay's and the library's own.
    std::vector<FieldError> errors;
    /// What on_progress has thrown, by which the call was stopped.
    std::exception_ptr thrown;

    /// LifePay took the document. That is not yet an open shift or a printed document: see LP_OK in
    /// lifepay.h.
    bool ok() const noexcept { return code == LP_OK; }

    /// The code's name, see code_name.
    std::string_view name() const noexcept { return code_name(code); }

    /// Of an outbox's Result: the call itself has failed, and `code` is not an entry's, which are
    /// LP_PENDING, LP_OK, LifePay's, LP_ERR_CANCELLED and LP_ERR_EXPIRED.
    bool call_failed() const noexcept
    {
        return code < LP_PENDING && code != LP_ERR_CANCELLED && code != LP_ERR_EXPIRED;
    }

    /// Returns itself if code is LP_OK or LP_PENDING; otherwise throws Error, or what on_progress has
    /// thrown. If LifePay answered all the same, its answer counts and not what was thrown.
    const Result &check() const;
};

/// An accepted request. That is not yet an open shift: the report that the cash register prints, a
/// notification to callback_url or LifePay's personal account shows whether it opened.
struct Shift {
    /// The document's uuid from LifePay. None in test mode.
    std::optional<std::string> uuid;
    /// The ext_id that was sent, given or made.
    std::string ext_id;
    /// In Russian, for a person at the till.
    std::string message;
    /// How many attempts were made.
    std::uint32_t attempts = 0;
};

/// An accepted document other than the opening of a shift. That is not yet a printed one: what the cash
/// register prints or LifePay's personal account shows whether it came to that.
struct Document {
    /// The document's uuid from LifePay. None in test mode, or if the answer has none.
    std::optional<std::string> uuid;
    /// The ext_id that was sent. None if none was given.
    std::optional<std::string> ext_id;
    /// In Russian, for a person at the till.
    std::string message;
    /// How many attempts were made.
    std::uint32_t attempts = 0;
    /// The body that was received, with whatever else LifePay says of this document, the apikey masked.
    std::optional<std::string> reply;
};

/// What the functions throw that do not begin with try_. what() is one line in UTF-8 with name, code,
/// message and field errors.
class Error : public std::runtime_error {
public:
    explicit Error(Result result)
        : std::runtime_error(describe(result)),
          result_(std::make_shared<const Result>(std::move(result)))
    {
    }

    /// Everything that came of the call. Lives as long as this error or a copy of it.
    const Result &result() const noexcept { return *result_; }
    /// LifePay's code (positive) or LP_ERR_... (negative).
    std::int32_t code() const noexcept { return result_->code; }
    /// The code's name, see code_name.
    std::string_view name() const noexcept { return result_->name(); }
    /// In Russian, for a person at the till or on the phone.
    const std::string &message() const noexcept { return result_->message; }
    /// Whether LifePay may have the request.
    Outcome outcome() const noexcept { return result_->outcome; }
    /// HTTP status of the last attempt; 0: no answer came.
    std::int32_t http_status() const noexcept { return result_->http_status; }
    /// The ext_id that was sent, given or made: repeat with it.
    const std::optional<std::string> &ext_id() const noexcept { return result_->ext_id; }
    /// After which to repeat, where a repeat makes sense; otherwise 0.
    std::chrono::milliseconds retry_after() const noexcept { return result_->retry_after; }
    /// The fields that are wrong.
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

    // Shared, since an exception must be copied without throwing.
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

/// An lp_result that is initialised and freed, for calls of lifepay.h of your own.
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

    /// To pass to a function of lifepay.h. Valid as long as this object stays where it is.
    lp_result *get() noexcept { return &raw_; }
    const lp_result *operator->() const noexcept { return &raw_; }

    /// A copy that outlives this object.
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

/// What a call with wrong arguments answers; the library has not been called.
inline Result refused(std::vector<FieldError> errors)
{
    Result result;
    result.code = LP_ERR_ARGUMENT;
    result.outcome = Outcome::not_sent;
    result.message = code_text(LP_ERR_ARGUMENT);
    result.errors = std::move(errors);
    return result;
}

/// Throws if a call that tells nothing but its code has failed.
inline void check(std::int32_t code)
{
    if (code == LP_OK)
        return;
    Result result;
    result.code = code;
    result.message = code_text(code);
    throw Error(std::move(result));
}

/// What C cannot be told, or would be told wrong; collects what it finds.
class Arguments {
public:
    std::vector<FieldError> errors;

    /// `value` for C, as long as it lives.
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

/// A request as C has it. Borrows from the request, and must stay where it is.
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

/// A callback and what it has thrown: an exception may not cross C, so it waits here.
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

/// Opens a shift: lp_open_shift. Blocks until LifePay has answered, the time limits or retry_for are
/// over, or on_progress stops it.
///
/// Throws nothing but std::bad_alloc: see Result::code, and Result::thrown for what on_progress has
/// thrown.
inline Result try_open_shift(const Request &request)
{
    return detail::send(lp_open_shift, request);
}

/// Opens a shift as try_open_shift does, and returns it if LifePay took the document.
///
/// Throws Error for everything else: see Error::outcome for whether LifePay may have the request, and
/// repeat with the same ext_id. Throws what on_progress has thrown, unless LifePay answered all the
/// same; give an ext_id of your own then, since such an exception does not tell the one that was made.
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

/// Sends any other document of LifePay's cloud print, which Request::path names: a Z report, which
/// closes the shift, a receipt, a correction. lp_send. Blocks as try_open_shift does.
///
/// No ext_id is made. That a second request with the same ext_id makes no second document is known of
/// opening a shift only: whether it holds for this document too, look up on LifePay's page. Without
/// ext_id nothing is sent twice: retry_for is an argument error, and after Outcome::unknown, look at
/// LifePay's personal account before you send again. Do not use one ext_id for two documents.
///
/// Throws nothing but std::bad_alloc, as try_open_shift.
inline Result try_send(const Request &request)
{
    return detail::send(lp_send, request);
}

/// Sends a document as try_send does, and returns it if LifePay took it.
///
/// Throws Error for everything else, and what on_progress has thrown, unless LifePay answered all the
/// same.
inline Document send(const Request &request)
{
    Result result = try_send(request);
    result.check();
    return {std::move(result.uuid), std::move(result.ext_id), std::move(result.message),
            result.attempts, std::move(result.reply)};
}

// -------------------------------------------------------------------------------------------------
// JSON in place of a Request, and an ext_id made beforehand
// -------------------------------------------------------------------------------------------------

/// What open_shift_json and send_json return.
struct JsonAnswer {
    /// The same as the answer's "code".
    std::int32_t code = LP_OK;
    /// A JSON object with every field of lp_result. Empty only in a log callback, and where a defect of
    /// the library was caught on the way back.
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

/// Opens a shift that is described in JSON, for settings kept in a file: lp_open_shift_json. The keys
/// are the fields of lp_config. There is no on_progress.
///
/// Throws Error if request contains NUL; whatever else is wrong is in the answer.
inline JsonAnswer open_shift_json(const std::string &request)
{
    return detail::send_json(lp_open_shift_json, request);
}

/// Sends a document in the same way: lp_send_json. The key document_json may be the text of an object
/// or an object.
inline JsonAnswer send_json(const std::string &request)
{
    return detail::send_json(lp_send_json, request);
}

/// A new ext_id, a random UUID. Store it, then send with it: so a repeat is safe even after a crash.
inline std::string ext_id_new()
{
    char buffer[64] = "";
    detail::check(lp_ext_id_new(buffer, sizeof buffer));
    return buffer;
}

// -------------------------------------------------------------------------------------------------
// The outbox
// -------------------------------------------------------------------------------------------------

/// By the wall clock.
using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// One request of an outbox: lp_entry, copied.
struct Entry {
    /// LP_PENDING, or the outcome: LP_OK, LifePay's code, LP_ERR_CANCELLED, LP_ERR_EXPIRED.
    std::int32_t code = LP_PENDING;
    /// Whether LifePay may have the request, over all attempts, also those of before a restart.
    Outcome outcome = Outcome::none;
    /// It waits for an outcome; otherwise it is finished.
    bool pending = false;
    /// An attempt is being made.
    bool sending = false;
    /// It belongs to another base_url than this outbox was opened with, and is not sent by it.
    bool foreign = false;
    /// How many attempts were begun.
    std::uint32_t attempts = 0;
    /// HTTP status of the last attempt; 0: no answer came.
    std::int32_t http_status = 0;
    Time submitted_at;
    /// None: there is no next attempt.
    std::optional<Time> next_attempt_at;
    /// When it was finished: answered, cancelled or expired. None: it is not.
    std::optional<Time> answered_at;
    /// After when it is not repeated. None: never.
    std::optional<Time> expires_at;
    std::string ext_id;
    std::string login;
    std::optional<std::string> target_serial;
    /// The base_url that it belongs to.
    std::string base_url;
    /// The document's uuid from LifePay.
    std::optional<std::string> uuid;
    /// In Russian, for a person at the till.
    std::string message;
    /// Which document it is: /cloud-print/create-session for the opening of a shift. None: it is of a
    /// kind that only a later version of the library knows, and waits for that.
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

/// Requests on disk, sent in the background until LifePay has answered: none is lost to a crash or a
/// power cut, and the calls do not wait for the network.
///
/// Closed when it is destroyed: what waits stays in the file and goes on when it is opened again. A
/// closed one, a moved-from one and a default-constructed one answer LP_ERR_CLOSED to everything.
class Outbox {
public:
    /// A closed one.
    Outbox() noexcept = default;

    /// Opens a file of requests, makes it if there is none, and begins to send what waits in it:
    /// lp_outbox_open. No network is used by the call itself.
    ///
    /// path: in UTF-8, on a local disk. settings: see lp_outbox_open for what is taken from it; apikey
    /// is required.
    ///
    /// Throws Error: LP_ERR_ARGUMENT, or LP_ERR_OUTBOX, whose message says what to do.
    Outbox(const std::string &path, const Request &settings) : Outbox()
    {
        Result result = try_open(path, settings, *this);
        if (!result.ok())
            throw Error(std::move(result));
    }

    /// The constructor without exceptions. outbox: closed first; open if the Result is ok().
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

    /// Whether it was opened and not closed since.
    explicit operator bool() const noexcept { return handle_.load() != nullptr; }

    /// For calls of lifepay.h of your own; still this object's to close. NULL: closed.
    lp_outbox *get() const noexcept { return handle_; }

    /// Puts a request on disk; it is sent in the background: lp_outbox_submit.
    ///
    /// request: its fields and expires_after are taken. apikey and login not given: those of the
    /// constructor. With path it is another document than the opening of a shift, and ext_id is
    /// required, since an outbox repeats.
    ///
    /// Returns the entry: code is LP_PENDING, or the outcome if it has one; ext_id is the one given or
    /// made. Throws Error if nothing was submitted: LP_ERR_ARGUMENT, LP_ERR_OUTBOX, LP_ERR_CLOSED.
    Result submit(const Request &request) { return told(try_submit(request)); }

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

    /// Waits for the outcome of an entry, at most `timeout`; 0 just looks: lp_outbox_wait.
    ///
    /// Returns the entry: code is LP_PENDING if there is no outcome yet. A rejection, too, is an
    /// outcome and not an exception; Result::check makes it one. Throws Error: LP_ERR_NOT_FOUND if
    /// there is no such entry, LP_ERR_CLOSED, also when the outbox is closed meanwhile.
    Result wait(const std::string &ext_id, std::chrono::milliseconds timeout = forever)
    {
        return told(try_wait(ext_id, timeout));
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

    /// Stops the repeats of an entry: lp_outbox_cancel. An attempt under way is broken off within a
    /// second; if its answer comes all the same, it wins.
    ///
    /// Returns the entry: code is LP_ERR_CANCELLED or the outcome that it had or that has won, and
    /// outcome tells whether LifePay may have the request. Throws Error: LP_ERR_NOT_FOUND,
    /// LP_ERR_OUTBOX, LP_ERR_CLOSED.
    Result cancel(const std::string &ext_id) { return told(try_cancel(ext_id)); }

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

    /// Shows every entry to any callable, in the order in which they were first submitted:
    /// lp_outbox_each. False ends it. The callable may call everything; what it throws ends it, and is
    /// thrown again after the library has returned.
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

    /// All entries, in the order in which they were first submitted. Throws Error as each does.
    std::vector<Entry> entries() const
    {
        std::vector<Entry> entries;
        each([&entries](const Entry &entry) {
            entries.push_back(entry);
            return true;
        });
        return entries;
    }

    /// Sends a waiting entry at once and reopens a rejected one: lp_outbox_retry_now. ext_id not given
    /// or "": all that wait or were rejected and have not expired.
    ///
    /// Throws Error: LP_ERR_NOT_FOUND; LP_ERR_ARGUMENT for an entry that was accepted, cancelled, has
    /// expired or belongs to another base_url: its message and outcome are those of the entry;
    /// LP_ERR_OUTBOX, LP_ERR_CLOSED.
    void retry_now(const std::string &ext_id = {}) { check(try_retry_now(ext_id), ext_id); }

    /// retry_now without exceptions: returns the code.
    std::int32_t try_retry_now(const std::string &ext_id = {})
    {
        detail::Arguments arguments;
        const char *id = arguments.text("ext_id", ext_id);
        return arguments.errors.empty() ? lp_outbox_retry_now(handle_, id) : LP_ERR_ARGUMENT;
    }

    /// Removes a finished entry: lp_outbox_forget. Throws Error: LP_ERR_NOT_FOUND; LP_ERR_ARGUMENT for
    /// an entry that is pending (cancel it first): its message and outcome are those of the entry;
    /// LP_ERR_OUTBOX, LP_ERR_CLOSED.
    void forget(const std::string &ext_id) { check(try_forget(ext_id), ext_id); }

    /// forget without exceptions: returns the code.
    std::int32_t try_forget(const std::string &ext_id)
    {
        detail::Arguments arguments;
        const char *id = arguments.text("ext_id", ext_id);
        return arguments.errors.empty() ? lp_outbox_forget(handle_, id) : LP_ERR_ARGUMENT;
    }

    /// How many entries wait that this outbox sends: lp_outbox_pending. Throws Error: LP_ERR_OUTBOX,
    /// LP_ERR_CLOSED.
    std::uint32_t pending() const
    {
        std::uint32_t count = 0;
        detail::check(lp_outbox_pending(handle_, &count));
        return count;
    }

    /// Closes it: lp_outbox_close. Those who wait in wait, on other threads, wake with LP_ERR_CLOSED.
    /// Returns within a second: LP_OK, or LP_ERR_CLOSED if it was closed already.
    std::int32_t close() noexcept
    {
        lp_outbox *handle = handle_.exchange(nullptr);
        return handle ? lp_outbox_close(handle) : LP_ERR_CLOSED;
    }

private:
    /// The entry that a call tells, or the code with which it has failed.
    static Result answer(const RawResult &raw, std::int32_t returned)
    {
        Result result = raw.copy();
        if (returned != LP_OK)
            result.code = returned;
        if (result.message.empty())
            result.message = code_text(result.code);
        return result;
    }

    /// Throws if a call about an entry has failed. Such a call returns only a code; if it was refused,
    /// the entry's own message says why.
    void check(std::int32_t code, const std::string &ext_id)
    {
        if (code != LP_ERR_ARGUMENT)
            return detail::check(code);
        Result result = try_wait(ext_id, std::chrono::milliseconds::zero());
        if (!result.call_failed())
            result.code = code;
        throw Error(std::move(result));
    }

    static Result told(Result result)
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

/// What is told: that and all before it.
enum class LogLevel : std::int32_t {
    off = LP_LOG_OFF,
    /// LifePay has refused a request, or a defect of the library was caught.
    error = LP_LOG_ERROR,
    /// Attempts that have failed, and calls with wrong arguments.
    warn = LP_LOG_WARN,
    /// Attempts that have succeeded.
    info = LP_LOG_INFO,
    /// What the library decides on the way.
    debug = LP_LOG_DEBUG,
    /// Bodies sent and received, the apikey masked.
    trace = LP_LOG_TRACE,
};

/// Takes a line of the log, in UTF-8 and borrowed for the call.
using LogFunction = std::function<void(LogLevel, std::string_view)>;

namespace detail {

struct LogHolder {
    std::mutex mutex;
    std::unique_ptr<LogFunction> function;
};

/// Never destroyed: the library's threads may log for as long as the process lives.
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
        // There is nobody to tell, and the log must not stop what it tells of.
    }
    in_log_function() = outer;
}

} // namespace detail

/// Hands the log to any callable, in place of the one before: lp_set_log. An empty one, or
/// LogLevel::off, ends it.
///
/// The callable is copied or moved in, and kept until it is replaced: when set_log returns, the one
/// before runs nowhere any more and has been destroyed. The one that is set when the process ends is
/// never destroyed; end the log before what it refers to goes away.
///
/// It is called from any thread, several at once. It may call version, version_number, code_name,
/// code_text and ext_id_new; everything else answers LP_ERR_ARGUMENT there. What it throws is dropped. set_log waits
/// without a limit for one that is running: do not hold a lock that the callable takes.
///
/// Throws Error in a log callable, and for a level that is none; the one before stays then.
inline void set_log(LogFunction function, LogLevel level = LogLevel::info)
{
    if (detail::in_log_function())
        detail::check(LP_ERR_ARGUMENT);
    // Destroyed after the lock has been let go: then it holds the one before.
    std::unique_ptr<LogFunction> kept;
    if (function && level != LogLevel::off)
        kept = std::make_unique<LogFunction>(std::move(function));
    detail::LogHolder &holder = detail::log_holder();
    const std::lock_guard<std::mutex> lock(holder.mutex);
    detail::check(lp_set_log(kept ? detail::lifepay_hpp_log : nullptr, kept.get(),
                             static_cast<std::int32_t>(level)));
    holder.function.swap(kept);
}

/// Writes the log to a file, in place of the file before: lp_log_to_file.
///
/// path: in UTF-8; "": no file. max_bytes: the size at which the file is renamed to path + ".old" and
/// begun anew; 0: 10 MiB.
///
/// Throws Error (LP_ERR_ARGUMENT) if the file cannot be written; then the file before stays in use.
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
