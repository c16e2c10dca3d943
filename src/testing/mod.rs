//! What must hold whatever comes in: run on bytes that the programs of `fuzz/` make up, and in the
//! tests on those that are kept in `fuzz/corpus`.
//!
//! Each function panics if something does not hold.

use std::collections::BTreeSet;
use std::path::Path;

use crate::calls::json;
use crate::calls::settings::Settings;
use crate::fault::Fault;
use crate::messages;
use crate::outbox::probe;
use crate::protocol::answer::Answer;
use crate::protocol::object::Object;
use crate::protocol::request;
use crate::report::{LONGEST_TEXT, MOST_ERRORS};
use crate::secret::Secret;
use crate::{ffi, onec};

#[cfg(test)]
mod properties;

/// An apikey that nothing made up holds.
const APIKEY: &str = "s3cr3t-apikey";

/// LifePay's answer.
pub fn answer(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let secret = Secret::new(APIKEY.to_owned());
    match Answer::parse(&text, &secret) {
        Ok(Answer::Accepted { uuid }) => assert_ne!(uuid.as_deref(), Some("")),
        Ok(Answer::Rejected { code, errors, .. }) => {
            assert!(code > 0);
            assert!(errors.len() <= MOST_ERRORS);
            for error in errors {
                assert!(!error.message.is_empty());
                for text in [error.field, error.message] {
                    assert!(text.chars().count() <= LONGEST_TEXT && !text.contains(APIKEY));
                }
            }
        }
        Err(why) => assert!(!why.is_empty()),
    }
    for masked in [secret.mask(&text), secret.mask_cut(&text)] {
        assert!(!masked.contains(APIKEY));
    }
}

/// A host's settings: as JSON, and as a struct with strings.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match json::read_settings(Some(&text), "request") {
        Ok((settings, faults)) => settings_hold(settings, faults),
        Err(faults) => faults_hold(&faults),
    }
    ffi::testing::config(data, settings_hold);
}

/// Settings either make a call that keeps to LifePay's page, or say what is wrong.
fn settings_hold(mut settings: Settings, faults: Vec<Fault>) {
    // A file of this machine's is not to decide what is found.
    settings.connection.ca_file = None;
    let is_shift = !settings.fields.are_of_document();
    let call = match is_shift {
        true => settings.shift(faults),
        false => settings.document(faults),
    };
    match call {
        Ok(call) => {
            let request = &call.request;
            let ext_id = request.ext_id.as_deref();
            assert!(ext_id.is_none_or(|ext_id| ext_id.chars().count() <= 50));
            assert!(!request.login.is_empty() && request.path.starts_with('/'));
            let json = request.json().expect("a request is JSON");
            let body = request.body().expect("so is its body");
            assert_eq!(body, request::body_of_stored(&json, &request.apikey));
            let Object(members) = serde_json::from_slice(&body).expect("JSON");
            let names: BTreeSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names.len(), members.len(), "no member stands twice");
            let body: serde_json::Map<_, _> = serde_json::from_slice(&body).unwrap_or_default();
            // A number beyond those of floating point is no value, but may be sent.
            if let Some(apikey) = body.get("apikey") {
                assert_eq!(apikey, request.apikey.reveal());
            }
            assert!(names.contains("ext_id") || !is_shift);
            if let (Some(sent), Some(ext_id)) = (body.get("ext_id"), ext_id) {
                assert_eq!(sent, ext_id);
            }
            assert!(request::differing_fields(&json, &json).is_empty());
            assert!(call.route.limits.whole.as_millis() > 0);
        }
        Err(faults) => faults_hold(&faults),
    }
}

fn faults_hold(faults: &[Fault]) {
    assert!(!faults.is_empty());
    assert!(faults
        .iter()
        .all(|fault| !messages::wrong(&fault.wrong).is_empty()));
}

/// An outbox's file, in a folder of the caller's. The first byte says what is made up: the file
/// itself, or the texts in a table that is sound.
pub fn outbox(data: &[u8], folder: &Path) {
    let file = folder.join("fuzz.db");
    for name in ["fuzz.db", "fuzz.db-journal", "fuzz.db-wal", "fuzz.db-shm"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    match data.split_first() {
        Some((0, texts)) => probe::texts(&file, texts),
        Some((1, log)) => {
            probe::texts(&file, b"");
            std::fs::write(folder.join("fuzz.db-wal"), log).expect("a file");
        }
        _ => std::fs::write(&file, data).expect("a file"),
    }
    let before = std::fs::read(&file).expect("a file");
    if !probe::open(&file) {
        // What is refused is left as it was.
        assert!(std::fs::read(&file).expect("a file") == before);
    }
}

/// 1C's values, for every property and the methods that send nothing.
pub fn variants(data: &[u8]) {
    onec::testing::variants(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs what is kept for a program of `fuzz/`.
    fn each(program: &str, run: impl Fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        let files = std::fs::read_dir(folder.join(program)).expect("a corpus");
        let mut count = 0;
        for file in files {
            run(&std::fs::read(file.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 3, "{count} files");
    }

    #[test]
    fn the_corpus_of_answers_holds() {
        each("answer", answer);
    }

    #[test]
    fn the_corpus_of_settings_holds() {
        each("config", config);
    }

    #[test]
    fn the_corpus_of_variants_holds() {
        each("variants", variants);
    }

    #[test]
    fn the_corpus_of_outbox_files_holds() {
        let folder = std::env::temp_dir().join(format!("lifepay-corpus-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        each("outbox", |data| outbox(data, &folder));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
