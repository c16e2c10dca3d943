//! The object that 1C holds: its lifetime, its settings, and the report of its last call.

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard};

use super::host::{Connection, Memory};
use super::property::{self, PROPERTIES};
use super::variant::Value;
use super::vtable::{self, Pointers};
use super::CLASS;
use crate::calls::outboxes;
use crate::calls::settings::Settings;
use crate::failure::Failure;
use crate::fault::{Fault, Misuse, Wrong};
use crate::messages;
use crate::process::lock::lock;
use crate::report::Report;
use crate::state;

/// The object. 1C uses only the pointers at its beginning.
#[repr(C)]
pub struct Component {
    pointers: Pointers,
    state: Mutex<State>,
}

/// The object's state, under a lock because 1C's server may call from several threads. The lock is
/// never held while 1C is called or while a call waits for LifePay.
struct State {
    memory: Option<Memory>,
    connection: Option<Connection>,
    /// The settings, at the indexes of their properties.
    values: Vec<Value>,
    /// The number of the open outbox.
    outbox: Option<usize>,
    report: Report,
}

impl Component {
    /// Creates an object. 1C owns it until 1C destroys it.
    pub fn create() -> *mut Component {
        let component = Box::into_raw(Box::new(Component {
            pointers: vtable::pointers(),
            state: Mutex::new(State {
                memory: None,
                connection: None,
                values: vec![Value::Nothing; PROPERTIES.len()],
                outbox: None,
                report: Report::done(),
            }),
        }));
        living().insert(component as usize);
        component
    }

    /// Destroys an object. Returns false if the pointer is not an object, or was destroyed before.
    pub fn destroy(component: *mut c_void) -> bool {
        if !living().remove(&(component as usize)) {
            return false;
        }
        // SAFETY: `create` made it from a box, and it was not destroyed before.
        let component = unsafe { Box::from_raw(component.cast::<Component>()) };
        component.release();
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub fn set_memory(&self, memory: Option<Memory>) -> bool {
        self.state().memory = memory;
        memory.is_some()
    }

    pub fn set_connection(&self, connection: Option<Connection>) -> bool {
        self.state().connection = connection;
        connection.is_some()
    }

    pub fn memory(&self) -> Option<Memory> {
        self.state().memory
    }

    /// Releases 1C's interfaces and closes the outbox, so that no thread outlives the object.
    pub fn release(&self) {
        self.release_outbox();
        let mut state = self.state();
        state.memory = None;
        state.connection = None;
    }

    /// Returns the setting that is stored for a property.
    pub fn value(&self, place: usize) -> Value {
        self.state().values.get(place).cloned().unwrap_or_default()
    }

    pub fn set_value(&self, place: usize, value: Value) {
        if let Some(old) = self.state().values.get_mut(place) {
            *old = value;
        }
    }

    /// Returns the settings as they were given, and the faults of single settings.
    pub fn settings(&self) -> (Settings, Vec<Fault>) {
        property::settings(&self.state().values)
    }

    pub fn report(&self) -> Report {
        self.state().report.clone()
    }

    /// Stores the report of a call, for the properties that return it.
    pub fn set_report(&self, report: Report) {
        self.state().report = report;
    }

    /// Returns the number of the open outbox; 0, which is not a valid number, if none is open.
    pub fn outbox(&self) -> usize {
        self.state().outbox.unwrap_or(0)
    }

    /// Replaces the outbox.
    pub fn set_outbox(&self, outbox: usize) {
        let old = self.state().outbox.replace(outbox);
        if let Some(old) = old {
            let _ = outboxes::close(old);
        }
    }

    /// Closes the outbox, if one is open.
    pub fn release_outbox(&self) {
        if self.outbox() != 0 {
            let _ = self.close_outbox();
        }
    }

    /// # Errors
    ///
    /// The report says that no outbox was open.
    pub fn close_outbox(&self) -> outboxes::Done<()> {
        let open = self.state().outbox.take();
        match open {
            Some(open) => outboxes::close(open),
            None => Err(Box::new(Report::failure(&Failure::Closed))),
        }
    }

    /// Reports a call that a program must not make, to 1C and in the properties: 1C's error does not
    /// always reach the programmer.
    pub fn misuse(&self, member: &'static str, misuse: Misuse) {
        let what = messages::misuse(&misuse);
        let fault = Fault::new(member, Wrong::Misuse(misuse));
        self.set_report(Report::refused(vec![fault]));
        self.complain(member, &what);
    }

    /// Reports an error to 1C. The stored report is left unchanged.
    pub fn complain(&self, member: &str, what: &str) {
        let connection = self.state().connection;
        if let Some(connection) = connection {
            connection.add_error(&format!("{CLASS}.{member}: {what}"));
        }
    }
}

/// The addresses of the objects that exist in a process, so that none is destroyed twice.
#[derive(Default)]
pub struct Living(Mutex<BTreeSet<usize>>);

fn living() -> MutexGuard<'static, BTreeSet<usize>> {
    lock(&state::current().onec.living.0)
}
