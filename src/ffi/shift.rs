//! `lp_open_shift`: the call for which this library exists.

use super::config::{self, lp_config};
use super::guard::guard_anywhere;
use super::progress;
use super::result::{lp_result, Slot};
use crate::code::LP_ERR_ARGUMENT;
use crate::delivery;
use crate::error::FieldError;
use crate::panic::catch;
use crate::progress::OnProgress;
use crate::report::Report;
use crate::settings::{Order, Settings};

/// ------------------------------------------------------------------------------------------------
/// Opening a shift
/// ------------------------------------------------------------------------------------------------
///
/// Opens a shift: checks config, sends the request, and says what came of it.
///
/// config: borrowed for the call, with all it points to. result: yours, initialised; release what it
/// holds with lp_result_free.
///
/// Returns the same as result->code:
/// - LP_OK: LifePay took the document. That is not yet an open shift.
/// - positive: LifePay's own code. It has answered; do not repeat the request as it is.
/// - negative: LP_ERR_.... See result->outcome for whether LifePay may have the request, and repeat
///   with the same ext_id after result->retry_after_ms, or let config->retry_for_ms do it.
///
/// Blocks until LifePay has answered, the time limits or retry_for_ms are over, or on_progress
/// stops it. Releases what result held, after config has been copied: config.ext_id may point to
/// result.ext_id.
///
/// If result is NULL or was not initialised with lp_result_init, nothing is sent, result is not
/// written, and the call returns LP_ERR_ARGUMENT. In a log callback nothing is sent either; result->code
/// and the return value are LP_ERR_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn lp_open_shift(config: *const lp_config, result: *mut lp_result) -> i32 {
    guard_anywhere(|| {
        // SAFETY: as the caller vouches for.
        let Some(slot) = (unsafe { Slot::for_call(result) }) else {
            return LP_ERR_ARGUMENT;
        };
        let report = catch(|| {
            // SAFETY: as the caller vouches for.
            match unsafe { config::read(config) } {
                Ok(given) => {
                    let on_progress = progress::callback(given.on_progress, given.user_data);
                    carry_out(given.settings, given.faults, on_progress)
                }
                Err(fault) => refuse(vec![fault]),
            }
        });
        // Written in any case: the host reads the result, not only what the call returns.
        let report = report.unwrap_or_else(|panic| Report::broken(&panic));
        slot.write(&report)
    })
}

/// What came of what was given, whatever happens on the way.
pub fn carry_out(
    settings: Settings,
    faults: Vec<FieldError>,
    on_progress: Option<OnProgress>,
) -> Report {
    carry_out_by(settings, faults, |order| {
        delivery::deliver(&order.shift, &order.route, &order.terms, on_progress)
    })
}

fn carry_out_by(
    settings: Settings,
    faults: Vec<FieldError>,
    deliver: impl FnOnce(&Order) -> Report,
) -> Report {
    match settings.check(faults) {
        Err(faults) => refuse(faults),
        Ok(order) => catch(|| deliver(&order)).unwrap_or_else(|panic| {
            // The host must be able to repeat, and for that it needs the ext_id.
            Report {
                ext_id: Some(order.shift.ext_id.clone()),
                ..Report::broken(&panic)
            }
        }),
    }
}

/// Wrong arguments. Nothing is masked: no message quotes what was given, and the apikey may be a word
/// of ours.
pub fn refuse(faults: Vec<FieldError>) -> Report {
    let report = Report::refused(faults);
    ::log::warn!("{}", report.message);
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::LP_ERR_INTERNAL;
    use crate::report::LP_OUTCOME_UNKNOWN;
    use crate::shift::Fields;

    #[test]
    fn after_a_panic_the_host_has_the_ext_id_and_knows_that_the_request_may_be_out() {
        let fields = Fields {
            apikey: Some("key".into()),
            login: Some("login".into()),
            ext_id: Some("mine".into()),
            ..Fields::default()
        };
        let settings = Settings {
            fields,
            ..Settings::default()
        };
        let report = carry_out_by(settings, Vec::new(), |_| panic!("on purpose"));
        assert_eq!(report.code, LP_ERR_INTERNAL);
        assert_eq!(report.outcome, LP_OUTCOME_UNKNOWN);
        assert_eq!(report.ext_id.as_deref(), Some("mine"));
        assert!(report.detail.unwrap().contains("on purpose"));
    }
}
