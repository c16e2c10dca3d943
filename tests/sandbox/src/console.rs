//! What is printed for each request.

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::answer::Fields;
use crate::journal::{Answered, Request};
use crate::mask::Mask;

/// The most characters of a body that are printed.
const LONGEST: usize = 2000;

/// Prints to stdout. That nobody reads it is no reason to stop.
pub(crate) fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

/// Text without control characters, which could do anything to the reader's terminal.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The beginning of a long text; the page has all of it.
fn beginning(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// The block of lines on one request. `count` is how many requests came with its path and
/// ext_id and how many documents they made.
pub(crate) fn block(
    request: &Request,
    mask: &Mask,
    clock: SystemTime,
    answered: &Answered,
    faults: &Fields,
    took: Duration,
    count: Option<(usize, usize)>,
) -> String {
    let mut lines = vec![format!(
        "{} #{} {} {}, connection {}",
        time_of_day(clock),
        request.number,
        request.method,
        mask.path(request.bare_path()),
        request.connection
    )];
    if request.json.as_ref().is_some_and(Value::is_object) {
        let fields = ["ext_id", "login", "target_serial", "test"].map(|name| {
            let value = request.field(name);
            format!(
                "{name} {}",
                value.map_or("-".to_owned(), |value| shown(mask, value))
            )
        });
        lines.push(fields.join(", "));
    }
    if !request.body.is_empty() {
        lines.push(format!("body {}", beginning(&request.shown_body(mask))));
    }
    lines.push(format!("answered {answered}, {} ms", took.as_millis()));
    for (field, texts) in faults {
        let texts = texts.iter().map(|text| mask.text(text));
        let texts: Vec<_> = texts.collect();
        lines.push(format!("{}: {}", mask.name(field), texts.join(" ")));
    }
    if let (Some(ext_id), Some((requests, documents))) = (&request.ext_id, count) {
        let ext_id = mask.text(ext_id);
        lines.push(format!(
            "ext_id {ext_id}: {}, {}",
            counted(requests, "request"),
            counted(documents, "document")
        ));
        if !request.differs_in.is_empty() {
            let names = request.differs_in.iter().map(|name| mask.name(name));
            let names: Vec<_> = names.collect();
            lines.push(format!(
                "warning: ext_id {ext_id} came before with a different body: {}",
                names.join(", ")
            ));
        }
    }
    let lines: Vec<_> = lines.iter().map(|line| plain(line)).collect();
    lines.join("\n    ") + "\n"
}

/// Strings without their quotes: most are plain words.
fn shown(mask: &Mask, value: &Value) -> String {
    match mask.json(value) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn counted(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// In UTC: the standard library knows no other.
fn time_of_day(clock: SystemTime) -> String {
    let since = clock.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs() % 86_400;
    format!(
        "{:02}:{:02}:{:02}.{:03}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        since.subsec_millis()
    )
}
