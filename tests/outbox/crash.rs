//! A till that is killed repeatedly loses nothing, makes no second document, and never gets two
//! different outcomes.

use std::process::{Child, Command};
use std::time::Duration;

use crate::support::till::{kill_again_and_again, Kills};
use crate::support::tools::{compile_c, have, Link};

#[test]
fn a_till_killed_at_random_moments_loses_nothing_and_sends_nothing_twice() {
    if !have("gcc") {
        return;
    }
    let program = compile_c("outbox_till", Link::Shared);
    const COUNT: usize = 300;
    let kills = Kills {
        name: "killed",
        count: COUNT,
        enough: |outcome| outcome.submitted > COUNT / 4 && outcome.reported > COUNT / 10,
        longest_life: Duration::from_millis(60),
        kill: |till: &mut Child| drop(till.kill()),
    };
    let outcome = kill_again_and_again(|| Command::new(&program), &kills);
    assert!((kills.enough)(&outcome), "the tills were killed too early");
}
