//! The strict check of a request.
//!
//! All violations of LifePay's page are reported together, with HTTP 200: the page asks clients to
//! retry after any other status, and a wrong request must not be retried. The texts about single
//! fields are the sandbox's own. Documents other than the opening of a shift are checked as far as
//! published.

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::Value;

use crate::answer::{fault, Fields, Reply};
use crate::fields::Kind;
use crate::journal::Request;
use crate::published::{Extent, Published};
use crate::unreadable;

/// The maximum size of a body. A larger one is refused without being parsed. The page names no
/// limit; its fields need far less.
pub(crate) const LARGEST_BODY: usize = 1024 * 1024;

/// A request that has passed the check.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) login: String,
    pub(crate) test: bool,
    pub(crate) target_serial: Option<String>,
    pub(crate) callback_url: Option<String>,
    pub(crate) callback_data: Option<Value>,
}

/// The result of the check.
pub(crate) struct Check {
    /// The checked request, or the rejection: code 6000 for its form, otherwise 400 for its values.
    pub(crate) result: Result<Checked, Reply>,
    /// Everything that is wrong or doubtful about its form and its values, for display.
    pub(crate) findings: Fields,
}

/// Checks a request. With `strict`, doubtful findings count as faults.
pub(crate) fn check(request: &Request, published: &Published, strict: bool) -> Check {
    let (mut envelope, doubtful) = (method(request), content_type(request));
    let mut findings = envelope.clone();
    findings.extend(doubtful.clone());
    if strict {
        envelope.extend(doubtful);
    }
    let rejected =
        |code, fields: &Fields| (!fields.is_empty()).then(|| Reply::rejected(code, fields.clone()));
    let Some(pairs) = &request.pairs else {
        let unreadable = unreadable(request);
        findings.extend(unreadable.clone());
        let rejection = rejected(6000, &envelope);
        return Check {
            result: Err(rejection.unwrap_or_else(|| Reply::rejected(6000, unreadable))),
            findings,
        };
    };
    let pairs = pairs.fields();
    let (types, values) = (types(pairs, published), values(pairs, published));
    let rejection = rejected(6000, &envelope)
        .or_else(|| rejected(6000, &types))
        .or_else(|| rejected(400, &values));
    // The types are added last, because other findings may follow from them.
    findings.extend(values);
    findings.extend(types);
    Check {
        result: rejection.map_or_else(|| Ok(Checked::of(pairs)), Err),
        findings,
    }
}

impl Checked {
    fn of(pairs: &[(String, Value)]) -> Checked {
        let get = |name: &str| {
            let pair = pairs.iter().find(|(known, _)| known == name);
            pair.map(|(_, value)| value)
        };
        let text = |name: &str| {
            let text = get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        Checked {
            login: text("login").unwrap_or_default(),
            test: get("test").and_then(Value::as_u64) == Some(1),
            target_serial: text("target_serial"),
            callback_url: text("callback_url"),
            callback_data: get("callback_data").cloned(),
        }
    }
}

fn method(request: &Request) -> Fields {
    match &request.method[..] {
        "POST" => Fields::new(),
        _ => fault("method", "Тип запроса: POST."),
    }
}

/// Checks the Content-Type. LifePay's own example sends curl's default,
/// application/x-www-form-urlencoded, and the page requires none. A Content-Type other than JSON's
/// is therefore only doubtful.
fn content_type(request: &Request) -> Fields {
    let given = request.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let json = parts.next().unwrap_or_default();
    let foreign = parts
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .any(|(_, charset)| {
            !charset
                .trim()
                .trim_matches('"')
                .eq_ignore_ascii_case("utf-8")
        });
    if !json.eq_ignore_ascii_case("application/json") {
        fault(
            "Content-Type",
            "Ожидается application/json, ведь в теле JSON.",
        )
    } else if foreign {
        fault(
            "Content-Type",
            "Ожидается кодировка UTF-8: другой у JSON нет.",
        )
    } else {
        Fields::new()
    }
}

/// Returns the reason why the body is not a JSON object.
fn unreadable(request: &Request) -> Fields {
    let encoding = request.header(CONTENT_ENCODING.as_str());
    fault("body", &unreadable::body(&request.body, encoding))
}

fn types(pairs: &[(String, Value)], published: &Published) -> Fields {
    let mut faults = Fields::new();
    for (position, (name, value)) in pairs.iter().enumerate() {
        let mut add = |text: &str| {
            let texts = faults.entry(name.clone()).or_default();
            texts.push(text.to_owned());
        };
        if pairs[..position].iter().any(|(known, _)| known == name) {
            add("Поле указано дважды.");
        }
        let known = published.fields.iter().find(|field| field.name == name);
        match known.map(|field| field.kind.fault(value)) {
            Some(Some(text)) => add(text),
            None if published.extent == Extent::WholePage => add("Неизвестное поле."),
            _ => {}
        }
    }
    faults
}

fn values(pairs: &[(String, Value)], published: &Published) -> Fields {
    let mut faults = Fields::new();
    for field in published.fields {
        let pair = pairs.iter().find(|(name, _)| name == field.name);
        let value = pair.map(|(_, value)| value).filter(|value| is_given(value));
        if field.required && value.is_none() {
            faults.extend(fault(field.name, "Обязательное поле."));
        }
        let Some(value) = value else {
            continue;
        };
        let length = value.as_str().map_or(0, |text| text.chars().count());
        if let Some(longest) = field.longest.filter(|longest| length > *longest) {
            faults.extend(fault(field.name, &format!("Максимум {longest} символов.")));
        }
        if matches!(field.kind, Kind::Purchase) && value.get("products").is_none() {
            faults.extend(fault(field.name, "Должно содержать products."));
        }
    }
    faults
}

fn is_given(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}
