//! The calls that both interfaces offer, `ffi` to C and `onec` to 1C, and their rules. This module
//! depends on neither interface.

pub mod json;
pub mod outboxes;
pub mod settings;
pub mod table;

use self::settings::{Call, Settings};
use crate::code::Outcome;
use crate::delivery::{self, progress::OnProgress};
use crate::failure::Failure;
use crate::fault::Fault;
use crate::process::panic::catch;
use crate::report::Report;

/// A call that sends a request and waits for LifePay's answer. `faults` lists the settings that could
/// not be read.
pub type SendFn = fn(Settings, Vec<Fault>, Option<OnProgress>) -> Report;

/// Opens a shift.
pub fn open_shift(
    settings: Settings,
    faults: Vec<Fault>,
    on_progress: Option<OnProgress>,
) -> Report {
    send_by(settings.shift(faults), deliver(on_progress))
}

/// Sends any other document.
pub fn send(settings: Settings, faults: Vec<Fault>, on_progress: Option<OnProgress>) -> Report {
    send_by(settings.document(faults), deliver(on_progress))
}

fn deliver(on_progress: Option<OnProgress>) -> impl FnOnce(&mut Call, &mut Report) {
    |call, report| {
        let (request, route, repeats) = (&mut call.request, &call.route, &call.repeats);
        delivery::deliver(request, route, repeats, on_progress, report);
    }
}

fn send_by(call: Result<Call, Vec<Fault>>, deliver: impl FnOnce(&mut Call, &mut Report)) -> Report {
    let mut call = match call {
        Ok(call) => call,
        Err(faults) => return refuse(faults),
    };
    let mut report = Report::default();
    if let Err(panic) = catch(|| deliver(&mut call, &mut report)) {
        // The host needs the ext_id to retry.
        report.ext_id = report.ext_id.or(call.request.ext_id);
        report.outcome = Outcome::Unknown;
        report.fail(&Failure::Internal(panic));
    }
    report
}

/// Reports wrong arguments. Nothing is masked: no message quotes an argument, and a mask could hit a
/// word of the message if the apikey is such a word.
pub fn refuse(faults: Vec<Fault>) -> Report {
    let report = Report::refused(faults);
    log::warn!("{}", report.message);
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{Code, Kind};
    use crate::protocol::request::Fields;

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
        let report = send_by(settings.shift(Vec::new()), |_, _| panic!("on purpose"));
        assert_eq!(report.code, Code::Failed(Kind::Internal));
        assert_eq!(report.outcome, Outcome::Unknown);
        assert_eq!(report.ext_id.as_deref(), Some("mine"));
        assert!(report.detail.unwrap().contains("on purpose"));
    }
}
