//! The output for each request.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Local};
use serde_json::Value;

use crate::answer::Fields;
use crate::journal::{Answered, Request};
use crate::mask::Mask;

/// The maximum number of characters of a body that are printed.
const LONGEST: usize = 2000;

/// The maximum number of texts in the queue to stdout.
const WAITING: usize = 1000;

/// The number of texts in the queue, with the one that is being printed.
static QUEUED: AtomicUsize = AtomicUsize::new(0);

/// Prints to stdout on a separate thread, so that a full pipe cannot block the sandbox. Texts that
/// do not fit in the queue are dropped, and errors are ignored.
pub(crate) fn print(text: &str) {
    static PRINTER: OnceLock<SyncSender<String>> = OnceLock::new();
    let printer = PRINTER.get_or_init(|| {
        let (printer, texts) = mpsc::sync_channel::<String>(WAITING);
        std::thread::spawn(move || {
            for text in texts {
                let mut stdout = std::io::stdout().lock();
                let _ = stdout.write_all(text.as_bytes());
                let _ = stdout.flush();
                QUEUED.fetch_sub(1, Ordering::SeqCst);
            }
        });
        printer
    });
    QUEUED.fetch_add(1, Ordering::SeqCst);
    if printer.try_send(text.to_owned()).is_err() {
        QUEUED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits until the requests that were answered are printed, up to `limit`. A program calls it before
/// it ends.
pub fn flush(limit: Duration) {
    let started = Instant::now();
    while QUEUED.load(Ordering::SeqCst) > 0 && started.elapsed() < limit {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Returns text without control characters, which could manipulate the reader's terminal.
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

/// Truncates a long text. The page shows all of it.
fn beginning(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// The output for one request. The page shows the same facts.
pub(crate) struct Block<'a> {
    pub(crate) request: &'a Request,
    pub(crate) mask: &'a Mask,
    pub(crate) clock: SystemTime,
    pub(crate) answered: &'a Answered,
    /// The faults in the answer, by field.
    pub(crate) faults: &'a Fields,
    pub(crate) took: Duration,
    /// The number of requests with the same path and ext_id, and the number of documents they made.
    pub(crate) count: Option<(usize, usize)>,
    pub(crate) remarks: Remarks,
}

/// The journal's remarks on a request, masked.
#[derive(Default)]
pub(crate) struct Remarks {
    /// The findings of the strict check, by field.
    pub(crate) findings: Vec<(String, String)>,
    /// Whether the request may differ from earlier ones with its path and ext_id.
    pub(crate) corrected: bool,
    pub(crate) second_after: Option<String>,
}

impl Block<'_> {
    pub(crate) fn print(&self) {
        let lines = [self.head(), self.remarks()].concat();
        let lines: Vec<_> = lines.iter().map(|line| plain(line)).collect();
        print(&(lines.join("\n    ") + "\n"));
    }

    fn head(&self) -> Vec<String> {
        let (request, mask) = (self.request, self.mask);
        let mut lines = vec![format!(
            "{} #{} {} {}, connection {}",
            time_of_day(self.clock),
            request.number,
            request.method,
            mask.path(request.bare_path()),
            request.connection
        )];
        if request.json.as_ref().is_some_and(Value::is_object) {
            let fields = ["ext_id", "login", "target_serial", "test"].map(|name| {
                let value = request.field(name);
                let value = value.map_or("-".to_owned(), |value| shown(mask, value));
                format!("{name} {value}")
            });
            lines.push(fields.join(", "));
        }
        if !request.body.is_empty() {
            lines.push(format!("body {}", beginning(&request.shown_body(mask))));
        }
        let (answered, took) = (self.answered, self.took.as_millis());
        lines.push(format!("answered {answered}, {took} ms"));
        lines
    }

    fn remarks(&self) -> Vec<String> {
        let (request, mask, remarks) = (self.request, self.mask, &self.remarks);
        let mut lines = Vec::new();
        for (field, texts) in self.faults {
            let texts: Vec<_> = texts.iter().map(|text| mask.text(text)).collect();
            lines.push(format!("{}: {}", mask.name(field), texts.join(" ")));
        }
        for (field, texts) in &remarks.findings {
            if !self.faults.keys().any(|fault| mask.name(fault) == *field) {
                lines.push(format!("{field}: {texts}"));
            }
        }
        let ext_id = request.ext_id.as_deref().map(|ext_id| mask.text(ext_id));
        if let (Some(ext_id), Some((requests, documents))) = (&ext_id, self.count) {
            let requests = counted(requests, "request");
            let documents = counted(documents, "document");
            lines.push(format!("ext_id {ext_id}: {requests}, {documents}"));
        }
        if let (Some(ext_id), false) = (&ext_id, request.differs_in.is_empty()) {
            let names = request.differs_in.iter().map(|name| mask.name(name));
            let names = names.collect::<Vec<_>>().join(", ");
            lines.push(if remarks.corrected {
                format!("corrected after a rejection: {names}")
            } else {
                format!("warning: ext_id {ext_id} came before with a different body: {names}")
            });
        }
        if let Some(before) = &remarks.second_after {
            lines.push(format!("warning: {}", second_document(before)));
        }
        lines
    }
}

/// Describes a second document in the same terms as the page.
pub(crate) fn second_document(before: &str) -> String {
    let before = match before {
        "" => "without ext_id".to_owned(),
        ext_id => format!("with ext_id {ext_id}"),
    };
    format!("second document, the till has not learnt of the first one {before}")
}

/// Returns a value for display. Strings have no quotes, because most are plain words.
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

/// Returns the local time of day, as on the page.
fn time_of_day(clock: SystemTime) -> String {
    DateTime::<Local>::from(clock)
        .format("%H:%M:%S%.3f")
        .to_string()
}
