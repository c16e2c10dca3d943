//! A file of orders that set the initial state, to which a reset returns: a JSON object of the
//! bodies that are posted below /sandbox/, by path, such as {"answer": ["lost", "usual"],
//! "answer?login=1": "html"}.

use std::path::Path;

use serde_json::Value;

use crate::latency::Latency;
use crate::notifying::Notifying;
use crate::order::Order;
use crate::pairs::Pairs;
use crate::sequence::Sequence;
use crate::switch::{Certifying, Switches};

/// Sets the initial state of the switches from a file.
///
/// # Errors
/// The fault in the file.
pub(crate) fn begin(switches: &mut Switches, file: &Path, tls: bool) -> Result<(), String> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|error| format!("сценарий {name}: {error}"))?;
    apply(switches, &text, tls).map_err(|text| format!("сценарий {name}: {text}"))?;
    switches.begin_as_now();
    Ok(())
}

fn apply(switches: &Switches, text: &[u8], tls: bool) -> Result<(), String> {
    let orders: Pairs =
        serde_json::from_slice(text).map_err(|_| crate::unreadable::body(text, None))?;
    if let Some(path) = orders.doubled() {
        return Err(format!("{path}: указано дважды"));
    }
    for (path, order) in orders.fields() {
        apply_order(switches, path, order, tls).map_err(|text| format!("{path}: {text}"))?;
    }
    Ok(())
}

fn apply_order(switches: &Switches, path: &str, order: &Value, tls: bool) -> Result<(), String> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    // A name alone selects one answer or status.
    let text = match (order, path) {
        (Value::String(_), "notify") => format!("{{\"status\":{order}}}"),
        (Value::String(_), _) => format!("{{\"answer\":{order}}}"),
        _ => order.to_string(),
    };
    let order = || Order::new(text.as_bytes());
    match path {
        "answer" => {
            let answers = Sequence::new(text.as_bytes())?;
            if answers.is_refused() {
                return Err("refused: не в сценарии".to_owned());
            }
            switches.order(query, answers)
        }
        "certificate" if !tls => Err("сертификата нет: запустите песочницу с --tls".to_owned()),
        "certificate" => Certifying::read(order()?).map(|to| switches.set_certificate(to)),
        "notify" => Notifying::read(text.as_bytes()).map(|to| switches.set_notify(to)),
        "latency" => Latency::read(order()?).map(|to| switches.set_latency(to)),
        _ => Err("нет такого переключателя; есть answer, latency, notify и certificate".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_reported_with_their_path() {
        for (text, part) in [
            ("[]", "объект JSON"),
            (
                r#"{"answers": "lost"}"#,
                "answers: нет такого переключателя",
            ),
            (r#"{"answer": ["lost", "fast"]}"#, "answer: шаг 2: answer"),
            (r#"{"answer?serial=1": "lost"}"#, "answer?serial=1: serial"),
            (r#"{"answer": "refused"}"#, "refused: не в сценарии"),
            (
                r#"{"answer": "lost", "answer": "html"}"#,
                "answer: указано дважды",
            ),
            (r#"{"answer": {"answer": "refused"}}"#, "answer: refused"),
            (r#"{"certificate": {"certificate": "expired"}}"#, "--tls"),
            (r#"{"notify": {"status": "done"}}"#, "notify: status"),
        ] {
            let error = apply(&Switches::new(false, None), text.as_bytes(), false).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
