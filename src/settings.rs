//! Everything a host can set for one call, in Rust: what an `lp_config` and a JSON request are
//! read into, and checked as a whole.

use std::time::Duration;

use crate::delivery::Terms;
use crate::error::FieldError;
use crate::outbox::{self, Submission};
use crate::secret::Secret;
use crate::shift::{self, Fields, Shift};
use crate::timetable::{Patience, Timetable, LP_FOREVER};
use crate::transport::route::{Connection, Route};

/// How long a request waits in an outbox unless the host says otherwise.
const DEFAULT_EXPIRY: Duration = Duration::from_secs(12 * 60 * 60);
/// Requests that an outbox sends at once.
const DEFAULT_AT_ONCE: u32 = 4;
/// Each needs a thread of its own.
const MOST_AT_ONCE: u32 = 1000;
const DEFAULT_KEEP_DAYS: u32 = 30;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings as they were given.
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

/// A call that can be made.
pub struct Order {
    pub shift: Shift,
    pub route: Route,
    pub terms: Terms,
}

impl Settings {
    /// Checks everything, and tells all faults at once. `faults` holds what could not even be read.
    ///
    /// # Errors
    ///
    /// What is wrong, by field.
    pub fn check(self, mut faults: Vec<FieldError>) -> Result<Order, Vec<FieldError>> {
        let shift = self.fields.check(&mut faults, shift::new_ext_id);
        let route = self.connection.check(&mut faults);
        let timetable = Timetable::check(&self.retry_delays_ms, &mut faults);
        let terms = Terms {
            patience: Patience::from_ms(self.retry_for_ms),
            timetable,
        };
        match (shift, route) {
            (Some(shift), Some(route)) if faults.is_empty() => Ok(Order {
                shift,
                route,
                terms,
            }),
            _ => Err(faults),
        }
    }

    /// Checks what an outbox is opened with. Of the page's fields only apikey and login count.
    ///
    /// # Errors
    ///
    /// What is wrong, by field.
    pub fn check_outbox(
        self,
        mut faults: Vec<FieldError>,
    ) -> Result<outbox::Terms, Vec<FieldError>> {
        if self.fields.apikey.is_none() && faults.iter().all(|fault| fault.field != "apikey") {
            faults.push(FieldError::new("apikey", "обязательное поле не задано"));
        }
        let route = self.connection.check(&mut faults);
        let timetable = Timetable::check(&self.retry_delays_ms, &mut faults);
        if self.concurrency > MOST_AT_ONCE {
            let message = format!("{}, а допустимо не более {MOST_AT_ONCE}", self.concurrency);
            faults.push(FieldError::new("concurrency", message));
        }
        let or = |given, default| if given == 0 { default } else { given };
        match (self.fields.apikey, route) {
            (Some(apikey), Some(route)) if faults.is_empty() => Ok(outbox::Terms {
                apikey: Secret::new(apikey),
                login: self.fields.login,
                route,
                timetable,
                concurrency: or(self.concurrency, DEFAULT_AT_ONCE) as usize,
                keep: DAY * or(self.keep_days, DEFAULT_KEEP_DAYS),
            }),
            _ => Err(faults),
        }
    }

    /// Checks a request for an outbox that was opened with `terms`.
    ///
    /// # Errors
    ///
    /// What is wrong, by field.
    pub fn check_submission(
        mut self,
        terms: &outbox::Terms,
        mut faults: Vec<FieldError>,
    ) -> Result<Submission, Vec<FieldError>> {
        let another = "не тот, с которым открыта очередь";
        let apikey = self.fields.apikey.replace(terms.apikey.reveal().to_owned());
        if apikey.is_some_and(|apikey| apikey != terms.apikey.reveal()) {
            faults.push(FieldError::new("apikey", another));
        }
        let base_url = self.connection.base_url.as_deref();
        if base_url.is_some_and(|url| url.trim_end_matches('/') != terms.route.base_url) {
            faults.push(FieldError::new("base_url", another));
        }
        self.fields.login = self.fields.login.or_else(|| terms.login.clone());
        let shift = self.fields.check(&mut faults, shift::new_ext_id);
        let expires_after = match self.expires_after_ms {
            LP_FOREVER => None,
            0 => Some(DEFAULT_EXPIRY),
            ms => Some(Duration::from_millis(u64::from(ms))),
        };
        match shift {
            Some(shift) if faults.is_empty() => Ok(Submission {
                shift,
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
    fn faults_of_all_parts_are_told_at_once() {
        let settings = Settings {
            connection: Connection {
                trust: 9,
                ..Connection::default()
            },
            ..Settings::default()
        };
        let faults = settings
            .check(vec![FieldError::new("cashier_name", "не UTF-8")])
            .err()
            .unwrap();
        let names: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(names, ["cashier_name", "apikey", "login", "trust"]);
    }
}
