//! Selects requests by their fields, so that several tills, or tests that run in parallel, can
//! share a sandbox.

use serde::Serialize;
use serde_json::Value;

use crate::journal::Request;

const KNOWN: &str = "есть login, target_serial, ext_id, path";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ext_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

impl Filter {
    /// Reads the selection from a URL's query. None: all requests.
    ///
    /// # Errors
    /// The fault in the query.
    pub(crate) fn read(query: &str) -> Result<Option<Filter>, String> {
        let mut filter = Filter::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            filter.set(&name, &value)?;
        }
        Ok((filter != Filter::default()).then_some(filter))
    }

    /// # Errors
    /// The fault in a pair of the query.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let field = match name {
            "login" => &mut self.login,
            "target_serial" => &mut self.target_serial,
            "ext_id" => &mut self.ext_id,
            "path" => &mut self.path,
            _ => {
                return Err(format!(
                    "{name}: по этому полю запросы не отбираются; {KNOWN}"
                ))
            }
        };
        if value.is_empty() {
            return Err(format!("{name}: не задано"));
        }
        *field = Some(value.to_owned());
        Ok(())
    }

    pub(crate) fn matches(&self, request: &Request) -> bool {
        let is = |wanted: &Option<String>, name: &str| {
            wanted
                .as_deref()
                .is_none_or(|wanted| match request.field(name) {
                    Some(Value::String(text)) => text == wanted,
                    // A number is compared in the form in which it is displayed.
                    Some(Value::Number(number)) => number.to_string() == wanted,
                    _ => false,
                })
        };
        let path = self.path.as_deref();
        is(&self.login, "login")
            && is(&self.target_serial, "target_serial")
            && is(&self.ext_id, "ext_id")
            && path.is_none_or(|wanted| wanted == request.bare_path())
    }
}
