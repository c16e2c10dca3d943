//! All settings of one call, and their check.

use std::time::Duration;

use super::table::{
    DEFAULT_CONCURRENCY, DEFAULT_EXPIRES_AFTER_MS, DEFAULT_KEEP_DAYS, MOST_CONCURRENCY,
};
use crate::delivery::retry_limit::{RetryLimit, FOREVER_MS};
use crate::delivery::schedule::Schedule;
use crate::delivery::Repeats;
use crate::fault::{Fault, Wrong};
use crate::outbox::{self, Submission};
use crate::protocol::request::{self, Fields, Request};
use crate::secret::Secret;
use crate::transport::route::{Connection, Route};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings as the host gave them.
#[derive(Default)]
pub struct Settings {
    pub fields: Fields,
    pub connection: Connection,
    pub retry_for_ms: u32,
    pub retry_delays_ms: Vec<u32>,
    pub expires_after_ms: u32,
    pub concurrency: u32,
    pub keep_days: u32,
}

/// A call whose settings were checked.
pub struct Call {
    pub request: Request,
    pub route: Route,
    pub repeats: Repeats,
}

impl Settings {
    /// Returns the call that opens a shift. Checks all settings and returns all faults together.
    /// `faults` lists the settings that could not be read.
    ///
    /// # Errors
    ///
    /// The faults, by field.
    pub fn shift(self, faults: Vec<Fault>) -> Result<Call, Vec<Fault>> {
        self.check(faults, |fields, faults| {
            fields.shift(faults, request::new_ext_id)
        })
    }

    /// Returns the call that sends any other document. Checks it as [`Settings::shift`] does.
    ///
    /// # Errors
    ///
    /// The faults, by field.
    pub fn document(self, faults: Vec<Fault>) -> Result<Call, Vec<Fault>> {
        let is_repeated = self.retry_for_ms != 0;
        self.check(faults, |fields, faults| {
            fields.document(is_repeated, faults)
        })
    }

    fn check(
        self,
        mut faults: Vec<Fault>,
        request: impl FnOnce(Fields, &mut Vec<Fault>) -> Option<Request>,
    ) -> Result<Call, Vec<Fault>> {
        let request = request(self.fields, &mut faults);
        let route = self.connection.check(&mut faults);
        let repeats = Repeats {
            limit: RetryLimit::from_ms(self.retry_for_ms),
            schedule: Schedule::check(self.retry_delays_ms, &mut faults),
        };
        match (request, route) {
            (Some(request), Some(route)) if faults.is_empty() => Ok(Call {
                request,
                route,
                repeats,
            }),
            _ => Err(faults),
        }
    }

    /// Checks the settings of an outbox. Of the request's fields, it uses only apikey and login.
    ///
    /// # Errors
    ///
    /// The faults, by field.
    pub fn check_outbox(self, mut faults: Vec<Fault>) -> Result<outbox::Terms, Vec<Fault>> {
        request::require("apikey", &self.fields.apikey, &mut faults);
        let route = self.connection.check(&mut faults);
        let schedule = Schedule::check(self.retry_delays_ms, &mut faults);
        if self.concurrency > MOST_CONCURRENCY {
            let (given, most) = (self.concurrency, MOST_CONCURRENCY);
            faults.push(Fault::new("concurrency", Wrong::TooLarge { given, most }));
        }
        let or = |given, default| if given == 0 { default } else { given };
        match (self.fields.apikey, route) {
            (Some(apikey), Some(route)) if faults.is_empty() => Ok(outbox::Terms {
                apikey: Secret::new(apikey),
                login: self.fields.login,
                route,
                schedule,
                concurrency: or(self.concurrency, DEFAULT_CONCURRENCY) as usize,
                keep: DAY * or(self.keep_days, DEFAULT_KEEP_DAYS),
            }),
            _ => Err(faults),
        }
    }

    /// Checks a request for an outbox that was opened with `terms`.
    ///
    /// # Errors
    ///
    /// The faults, by field.
    pub fn check_submission(
        mut self,
        terms: &outbox::Terms,
        mut faults: Vec<Fault>,
    ) -> Result<Submission, Vec<Fault>> {
        let apikey = self.fields.apikey.replace(terms.apikey.reveal().to_owned());
        if apikey.is_some_and(|apikey| apikey != terms.apikey.reveal()) {
            faults.push(Fault::new("apikey", Wrong::NotAsOpened));
        }
        let base_url = self.connection.base_url.as_deref();
        if base_url.is_some_and(|url| url.trim_end_matches('/') != terms.route.base_url()) {
            faults.push(Fault::new("base_url", Wrong::NotAsOpened));
        }
        self.fields.login = self.fields.login.or_else(|| terms.login.clone());
        let request = match self.fields.are_of_document() {
            true => self.fields.document(true, &mut faults),
            false => self.fields.shift(&mut faults, request::new_ext_id),
        };
        let expires_after = match self.expires_after_ms {
            FOREVER_MS => None,
            0 => Some(Duration::from_millis(u64::from(DEFAULT_EXPIRES_AFTER_MS))),
            ms => Some(Duration::from_millis(u64::from(ms))),
        };
        match request {
            Some(request) if faults.is_empty() => Ok(Submission {
                request,
                expires_after,
            }),
            _ => Err(faults),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_all_parts_are_reported_together() {
        let settings = Settings {
            connection: Connection {
                trust: 9,
                ..Connection::default()
            },
            ..Settings::default()
        };
        let faults = settings
            .shift(vec![Fault::new("cashier_name", Wrong::NotAString)])
            .err()
            .unwrap();
        let names: Vec<&str> = faults.iter().map(|fault| &*fault.field).collect();
        assert_eq!(names, ["cashier_name", "apikey", "login", "trust"]);
    }
}
