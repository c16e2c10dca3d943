//! A till that is killed again and again loses nothing, sends nothing twice, and is never told two
//! different things.

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
    let kills = Kills {
        name: "killed",
        count: 300,
        longest_life: Duration::from_millis(60),
        kill: |till: &mut Child| drop(till.kill()),
    };
    let outcome = kill_again_and_again(|| Command::new(&program), &kills);
    let early = "kills came too early";
    assert!(outcome.submitted > kills.count / 4, "{early}");
    assert!(outcome.told > kills.count / 10, "{early}");
}
