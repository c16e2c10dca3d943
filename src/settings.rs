//! Everything a host can set for one call, in Rust: what an `lp_config` and a JSON request are
//! read into, and checked as a whole.

use crate::delivery::Terms;
use crate::error::FieldError;
use crate::shift::{self, Fields, Shift};
use crate::timetable::{Patience, Timetable};
use crate::transport::route::{Connection, Route};

/// The settings as they were given.
#[derive(Default)]
pub struct Settings {
    pub fields: Fields,
    pub connection: Connection,
    pub retry_for_ms: u32,
    pub retry_delays_ms: Vec<u32>,
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
