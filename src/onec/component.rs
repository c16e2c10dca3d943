//! The object that 1C holds: its life, its settings, and the report of its last call.

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

/// What 1C sees of it are the pointers at its beginning.
#[repr(C)]
pub struct Component {
    pointers: Pointers,
    state: Mutex<State>,
}

/// 1C's server may call from several threads. The lock is never held while 1C is called, nor while
/// a call waits for LifePay.
struct State {
    memory: Option<Memory>,
    connection: Option<Connection>,
    /// The settings, at the places of their properties.
    values: Vec<Value>,
    /// The number of the outbox that is open.
    outbox: Option<usize>,
    report: Report,
}

impl Component {
    /// A new object. It belongs to 1C until that destroys it.
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

    /// Ends the life of an object. False: it is none, or none any more.
    pub fn destroy(component: *mut c_void) -> bool {
        if !living().remove(&(component as usize)) {
            return false;
        }
        // SAFETY: `create` has made it from a box, and nobody has destroyed it before.
        let component = unsafe { Box::from_raw(component.cast::<Component>()) };
        component.let_go();
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

    /// Lets go of all that is 1C's, and of the outbox: no thread of it outlives the object.
    pub fn let_go(&self) {
        self.let_outbox_go();
        let mut state = self.state();
        state.memory = None;
        state.connection = None;
    }

    /// The setting that is kept at the place of a property.
    pub fn value(&self, place: usize) -> Value {
        self.state().values.get(place).cloned().unwrap_or_default()
    }

    pub fn set_value(&self, place: usize, value: Value) {
        if let Some(old) = self.state().values.get_mut(place) {
            *old = value;
        }
    }

    /// The settings as they were given, and what is wrong with single ones.
    pub fn settings(&self) -> (Settings, Vec<Fault>) {
        property::settings(&self.state().values)
    }

    pub fn report(&self) -> Report {
        self.state().report.clone()
    }

    /// Keeps what came of a call, for the properties that tell it.
    pub fn tell(&self, report: Report) {
        self.state().report = report;
    }

    /// The number of the outbox that is open; 0, which is no outbox's, if there is none.
    pub fn outbox(&self) -> usize {
        self.state().outbox.unwrap_or(0)
    }

    /// Takes an outbox in the place of the one before.
    pub fn set_outbox(&self, outbox: usize) {
        let old = self.state().outbox.replace(outbox);
        if let Some(old) = old {
            let _ = outboxes::close(old);
        }
    }

    /// Closes the outbox, if one is open.
    pub fn let_outbox_go(&self) {
        if self.outbox() != 0 {
            let _ = self.close_outbox();
        }
    }

    /// # Errors
    ///
    /// None was open.
    pub fn close_outbox(&self) -> outboxes::Done<()> {
        let open = self.state().outbox.take();
        match open {
            Some(open) => outboxes::close(open),
            None => Err(Box::new(Report::failure(&Failure::Closed))),
        }
    }

    /// A call that a program must not make: 1C is told, and so are the properties, since what 1C
    /// is told does not always reach the programmer.
    pub fn misuse(&self, member: &'static str, misuse: Misuse) {
        let what = messages::misuse(&misuse);
        let fault = Fault::new(member, Wrong::Misuse(misuse));
        self.tell(Report::refused(vec![fault]));
        self.complain(member, &what);
    }

    /// Tells 1C of an error; the report is left as it is.
    pub fn complain(&self, member: &str, what: &str) {
        let connection = self.state().connection;
        if let Some(connection) = connection {
            connection.add_error(&format!("{CLASS}.{member}: {what}"));
        }
    }
}

/// The objects of a process that live, by address: nothing is destroyed twice.
#[derive(Default)]
pub struct Living(Mutex<BTreeSet<usize>>);

fn living() -> MutexGuard<'static, BTreeSet<usize>> {
    lock(&state::current().onec.living.0)
}
