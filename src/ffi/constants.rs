//! The numbers of the interface. Numbers are explicit, only ever added, and never given a second
//! meaning.

use crate::code::{lifepay, Code, Kind, Outcome};
use crate::delivery::progress::Phase;
use crate::delivery::retry_limit::FOREVER_MS;
use crate::transport::Roots;

/// ------------------------------------------------------------------------------------------------
/// Codes: what a call returns, and lp_result.code
/// ------------------------------------------------------------------------------------------------
///
/// 0 and positive numbers are LifePay's own, known or not: it has answered, do not repeat the
/// request as it is. Negative numbers are the library's.
///
/// LifePay took the document. That is not yet an open shift or a printed receipt: what the cash
/// register prints, or LifePay's personal account, shows whether it came to that.
pub const LP_OK: i32 = 0;
/// LifePay: «Ошибка данных». `errors` says which field and why. Correct it, then send again.
pub const LP_DATA_ERROR: i32 = 400;
/// LifePay: «Внутренняя ошибка сервера». LifePay asks to turn to its support for the cause.
pub const LP_SERVER_ERROR: i32 = 500;
/// LifePay: «Неверный формат данных».
pub const LP_FORMAT_ERROR: i32 = 6000;
/// LifePay: «Не удалось найти пользователя по login».
pub const LP_LOGIN_UNKNOWN: i32 = 6009;
/// LifePay: «Не удалось найти пользователя по login и apikey».
pub const LP_CREDENTIALS_UNKNOWN: i32 = 6010;
/// LifePay: «Облачная фискализация запрещена».
pub const LP_FISCALIZATION_FORBIDDEN: i32 = 6080;
/// LifePay: «Доступ запрещен».
pub const LP_ACCESS_DENIED: i32 = 6095;

/// The request is in the outbox and has no outcome yet.
pub const LP_PENDING: i32 = -1;
/// The call or its settings are wrong; `errors` names each field. This call has sent nothing.
/// Correct it.
pub const LP_ERR_ARGUMENT: i32 = -2;
/// No connection, or it broke. Repeat with the same ext_id.
pub const LP_ERR_NETWORK: i32 = -3;
/// A time limit ran out. Repeat with the same ext_id.
pub const LP_ERR_TIMEOUT: i32 = -4;
/// No trusted TLS connection; nothing was sent over it. `message` says what is wrong with the
/// certificate. Mend that (often this machine's date), then repeat with the same ext_id.
pub const LP_ERR_TLS: i32 = -5;
/// An HTTP status other than 200, see `http_status`. Repeat with the same ext_id.
pub const LP_ERR_HTTP: i32 = -6;
/// Something answered that is not LifePay: a captive portal, a broken proxy, half an answer.
/// Repeat with the same ext_id.
pub const LP_ERR_REPLY: i32 = -7;
/// on_progress or lp_outbox_cancel has stopped the request. `outcome` says whether LifePay may have
/// it. If the document is still needed, repeat with the same ext_id.
pub const LP_ERR_CANCELLED: i32 = -8;
/// The outbox's file cannot be used; `message` says what to do.
pub const LP_ERR_OUTBOX: i32 = -9;
/// There is no such entry in the outbox.
pub const LP_ERR_NOT_FOUND: i32 = -10;
/// A defect of this library was caught. Please report it, with the log. Repeat with the same ext_id.
pub const LP_ERR_INTERNAL: i32 = -11;
/// The outbox is closed.
pub const LP_ERR_CLOSED: i32 = -12;
/// The request waited in the outbox longer than it may, and is not repeated. If it is still needed and
/// `outcome` is LP_OUTCOME_NOT_SENT, a new request with any ext_id is safe. Otherwise LifePay may have
/// it: submit it again with the same ext_id only.
pub const LP_ERR_EXPIRED: i32 = -13;

/// ------------------------------------------------------------------------------------------------
/// Outcomes: lp_result.outcome
/// ------------------------------------------------------------------------------------------------
///
/// What the code cannot say. A cashier who opens the shift by hand must know it.
///
/// No byte of the request left this machine in any attempt.
pub const LP_OUTCOME_NOT_SENT: i32 = 1;
/// LifePay may have the request. Repeat it with this ext_id only: then no second shift is opened. For
/// other documents see lp_send.
pub const LP_OUTCOME_UNKNOWN: i32 = 2;
/// LifePay has answered.
pub const LP_OUTCOME_ANSWERED: i32 = 3;

/// ------------------------------------------------------------------------------------------------
/// Trust: lp_config.trust
/// ------------------------------------------------------------------------------------------------
///
/// Mozilla's roots, compiled in, and the system's, together.
pub const LP_TRUST_DEFAULT: i32 = 0;
/// Mozilla's roots only.
pub const LP_TRUST_BUNDLED: i32 = 1;
/// The system's roots only.
pub const LP_TRUST_SYSTEM: i32 = 2;

/// ------------------------------------------------------------------------------------------------
/// Phases: lp_progress.phase
/// ------------------------------------------------------------------------------------------------
///
/// Name resolution, connect, proxy and TLS.
pub const LP_PHASE_CONNECT: i32 = 1;
/// The request is sent and its answer awaited.
pub const LP_PHASE_EXCHANGE: i32 = 2;
/// An attempt has failed; `code` and `http_status` say how.
pub const LP_PHASE_FAILED: i32 = 3;
/// The pause before the next attempt.
pub const LP_PHASE_PAUSE: i32 = 4;

/// Milliseconds without a limit: `retry_for_ms` and `expires_after_ms`.
pub const LP_FOREVER: u32 = u32::MAX;

/// Each number is that of the core's enum.
const _: () = {
    assert!(LP_OK == Code::Accepted.number() && LP_PENDING == Code::Pending.number());
    assert!(LP_DATA_ERROR == lifepay::DATA_ERROR && LP_SERVER_ERROR == lifepay::SERVER_ERROR);
    assert!(LP_FORMAT_ERROR == lifepay::FORMAT_ERROR);
    assert!(LP_LOGIN_UNKNOWN == lifepay::LOGIN_UNKNOWN);
    assert!(LP_CREDENTIALS_UNKNOWN == lifepay::CREDENTIALS_UNKNOWN);
    assert!(LP_FISCALIZATION_FORBIDDEN == lifepay::FISCALIZATION_FORBIDDEN);
    assert!(LP_ACCESS_DENIED == lifepay::ACCESS_DENIED);
    assert!(LP_ERR_ARGUMENT == Kind::Argument as i32 && LP_ERR_NETWORK == Kind::Network as i32);
    assert!(LP_ERR_TIMEOUT == Kind::Timeout as i32 && LP_ERR_TLS == Kind::Tls as i32);
    assert!(LP_ERR_HTTP == Kind::Http as i32 && LP_ERR_REPLY == Kind::Reply as i32);
    assert!(LP_ERR_CANCELLED == Kind::Cancelled as i32 && LP_ERR_OUTBOX == Kind::Outbox as i32);
    assert!(LP_ERR_NOT_FOUND == Kind::NotFound as i32 && LP_ERR_INTERNAL == Kind::Internal as i32);
    assert!(LP_ERR_CLOSED == Kind::Closed as i32 && LP_ERR_EXPIRED == Kind::Expired as i32);
    assert!(LP_OUTCOME_NOT_SENT == Outcome::NotSent as i32);
    assert!(LP_OUTCOME_UNKNOWN == Outcome::Unknown as i32);
    assert!(LP_OUTCOME_ANSWERED == Outcome::Answered as i32);
    assert!(LP_TRUST_DEFAULT == Roots::Both as i32 && LP_TRUST_BUNDLED == Roots::Bundled as i32);
    assert!(LP_TRUST_SYSTEM == Roots::System as i32);
    assert!(LP_PHASE_CONNECT == Phase::Connect as i32);
    assert!(LP_PHASE_EXCHANGE == Phase::Exchange as i32);
    assert!(LP_PHASE_FAILED == Phase::Failed as i32 && LP_PHASE_PAUSE == Phase::Pause as i32);
    assert!(LP_FOREVER == FOREVER_MS);
};
