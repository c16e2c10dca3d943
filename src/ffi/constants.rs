//! The numbers of the interface. They are explicit. New ones may be added; none gets a second meaning.

use crate::code::{lifepay, Code, Kind, Outcome};
use crate::delivery::progress::Phase;
use crate::delivery::retry_limit::FOREVER_MS;
use crate::transport::Roots;

/// LifePay accepted the document for printing. The shift may not be open yet, or the receipt not
/// printed: the cash register's report, a notification to callback_url or LifePay's personal
/// account shows that.
pub const LP_OK: i32 = 0;
/// LifePay: «Ошибка данных». lp_result.errors names the fields and the reasons. Correct them and
/// send again.
pub const LP_DATA_ERROR: i32 = 400;
/// LifePay: «Внутренняя ошибка сервера». Contact LifePay's support for the cause.
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
/// The arguments or settings are wrong; lp_result.errors names the fields. This call sent nothing.
/// Correct them and call again.
pub const LP_ERR_ARGUMENT: i32 = -2;
/// The connection failed or broke. Retry with the same ext_id.
pub const LP_ERR_NETWORK: i32 = -3;
/// A time limit expired. Retry with the same ext_id.
pub const LP_ERR_TIMEOUT: i32 = -4;
/// No trusted TLS connection could be made, and nothing was sent over it. lp_result.message says
/// what is wrong with the certificate. Fix the cause (often a wrong system date), then retry with
/// the same ext_id.
pub const LP_ERR_TLS: i32 = -5;
/// The HTTP status is not 200; see lp_result.http_status. Retry with the same ext_id.
pub const LP_ERR_HTTP: i32 = -6;
/// The answer is not LifePay's: a captive portal, a broken proxy, or half an answer. Retry with the
/// same ext_id.
pub const LP_ERR_REPLY: i32 = -7;
/// on_progress or lp_outbox_cancel stopped the request. lp_result.outcome says whether LifePay may
/// have it. If you still need the document, retry with the same ext_id.
pub const LP_ERR_CANCELLED: i32 = -8;
/// The outbox's file cannot be used; lp_result.message says what to do.
pub const LP_ERR_OUTBOX: i32 = -9;
/// The outbox has no entry with this ext_id.
pub const LP_ERR_NOT_FOUND: i32 = -10;
/// The library caught a defect of its own. Please report it with the log. Retry with the same
/// ext_id.
pub const LP_ERR_INTERNAL: i32 = -11;
/// The outbox is closed.
pub const LP_ERR_CLOSED: i32 = -12;
/// The request waited in the outbox longer than expires_after_ms and is not retried. If you still
/// need the document: with LP_OUTCOME_NOT_SENT, a new request with any ext_id is safe; otherwise
/// LifePay may have the request, so submit it again with the same ext_id only.
pub const LP_ERR_EXPIRED: i32 = -13;

/// No byte of the request left this machine in any attempt.
pub const LP_OUTCOME_NOT_SENT: i32 = 1;
/// LifePay may have the request. Retry with the same ext_id only: then LifePay opens no second
/// shift. For other documents see lp_send.
pub const LP_OUTCOME_UNKNOWN: i32 = 2;
/// LifePay answered.
pub const LP_OUTCOME_ANSWERED: i32 = 3;

/// Mozilla's roots, which are compiled in, and the system's.
pub const LP_TRUST_DEFAULT: i32 = 0;
/// Mozilla's roots only.
pub const LP_TRUST_BUNDLED: i32 = 1;
/// The system's roots only.
pub const LP_TRUST_SYSTEM: i32 = 2;

/// Resolving the host name, connecting, proxy and TLS.
pub const LP_PHASE_CONNECT: i32 = 1;
/// Sending the request and waiting for the answer.
pub const LP_PHASE_EXCHANGE: i32 = 2;
/// An attempt failed; lp_progress.code and http_status say how.
pub const LP_PHASE_FAILED: i32 = 3;
/// Pausing before the next attempt.
pub const LP_PHASE_PAUSE: i32 = 4;

/// Milliseconds without a limit: `retry_for_ms` and `expires_after_ms`.
pub const LP_FOREVER: u32 = u32::MAX;

/// Each number equals that of the core's enum.
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
