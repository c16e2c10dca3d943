//! A request as the journal shows it. All of it is masked, so that the journal can be shared.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{json, Value};

use crate::answer::{Fields, Sent};
use crate::console::Remarks;
use crate::journal::{Answered, Request};
use crate::mask::Mask;
use crate::pairs::Pairs;
use crate::published::{self, Extent};

#[derive(Clone, Serialize)]
pub(crate) struct Entry {
    pub(crate) number: usize,
    /// Increases with every change in the whole sandbox.
    pub(crate) version: u64,
    #[serde(serialize_with = "utc")]
    pub(crate) time: SystemTime,
    pub(crate) connection: usize,
    client: IpAddr,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    ext_id: Value,
    login: Value,
    target_serial: Value,
    cashier_name: Value,
    cashier_inn: Value,
    test: Value,
    /// Null if the body is not a JSON object.
    pub(crate) body: Option<Pairs>,
    /// The body if it is not a JSON object.
    pub(crate) body_text: Option<String>,
    pub(crate) body_bytes: usize,
    /// The extent of the check; null: the request is not for a document.
    checked: Option<Extent>,
    /// The findings of the strict check.
    findings: Vec<Finding>,
    /// The fields that differ from earlier requests with the same path and ext_id.
    differs_in: Vec<String>,
    /// Whether the fields may differ, because the earlier request was rejected.
    pub(crate) corrected: bool,
    pub(crate) document: Option<Made>,
    /// The switch or magic value that selected the answer.
    pub(crate) chosen_by: Option<Chosen>,
    #[serde(serialize_with = "answered")]
    pub(crate) answered: Option<Answered>,
    pub(crate) answer: Option<Sent>,
    #[serde(serialize_with = "milliseconds", rename = "took_ms")]
    pub(crate) took: Option<Duration>,
}

#[derive(Clone, Serialize)]
struct Finding {
    field: String,
    texts: Vec<String>,
}

/// The document of a request.
#[derive(Clone, Serialize)]
pub(crate) struct Made {
    pub(crate) uuid: String,
    pub(crate) new: bool,
    pub(crate) second_after: Option<String>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Chosen {
    /// The name of the switch.
    Switch(&'static str),
    /// The magic value's field.
    Magic(&'static str),
}

impl Entry {
    /// Makes the entry of a request. The journal sets its number and version.
    pub(crate) fn of(request: &Request, time: SystemTime, mask: &Mask) -> Entry {
        let is_object = request.json.as_ref().is_some_and(Value::is_object);
        let field = |name| match request.field(name) {
            Some(value) if is_object => mask.json(value),
            _ => Value::Null,
        };
        let header = |(name, value): &(String, String)| (name.clone(), mask.header(name, value));
        Entry {
            number: 0,
            version: 0,
            time,
            connection: request.connection,
            client: request.client,
            method: mask.text(&request.method),
            path: mask.path(request.bare_path()),
            headers: request.headers.iter().map(header).collect(),
            ext_id: field("ext_id"),
            login: field("login"),
            target_serial: field("target_serial"),
            cashier_name: field("cashier_name"),
            cashier_inn: field("cashier_inn"),
            test: field("test"),
            body: request.pairs.as_ref().map(|pairs| pairs.masked(mask)),
            body_text: request.broken_body(mask),
            body_bytes: request.length,
            checked: published::of(request.bare_path()).map(|known| known.extent),
            findings: Vec::new(),
            differs_in: request
                .differs_in
                .iter()
                .map(|name| mask.name(name))
                .collect(),
            corrected: false,
            document: None,
            chosen_by: None,
            answered: None,
            answer: None,
            took: None,
        }
    }

    pub(crate) fn find(&mut self, faults: &Fields, mask: &Mask) {
        let finding = |(field, texts): (&String, &Vec<String>)| Finding {
            field: mask.name(field),
            texts: texts.iter().map(|text| mask.text(text)).collect(),
        };
        self.findings = faults.iter().map(finding).collect();
    }
}

impl Entry {
    /// Returns the remarks for the console.
    pub(crate) fn remarks(&self) -> Remarks {
        let finding = |finding: &Finding| (finding.field.clone(), finding.texts.join(" "));
        let document = self.document.as_ref();
        Remarks {
            findings: self.findings.iter().map(finding).collect(),
            corrected: self.corrected,
            second_after: document.and_then(|document| document.second_after.clone()),
        }
    }
}

/// Writes a time in UTC, with milliseconds.
pub(crate) fn utc<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&utc_text(*time))
}

pub(crate) fn utc_text(time: SystemTime) -> String {
    let time = DateTime::<Utc>::from(time);
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(crate) fn milliseconds<S: Serializer>(
    took: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    took.map(|took| took.as_millis()).serialize(serializer)
}

fn answered<S: Serializer>(answered: &Option<Answered>, serializer: S) -> Result<S::Ok, S::Error> {
    let kind = |kind| json!({ "kind": kind });
    let value = answered.as_ref().map(|answered| match answered {
        Answered::Code { code, uuid } => json!({"kind": "code", "code": code, "uuid": uuid}),
        Answered::Http(status) => json!({"kind": "http", "status": status}),
        Answered::Malformed => kind("malformed"),
        Answered::Closed => kind("closed"),
        Answered::Reset => kind("reset"),
        Answered::Abandoned => kind("abandoned"),
    });
    value.serialize(serializer)
}
