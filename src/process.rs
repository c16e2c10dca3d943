//! State that a forked child does not inherit.
//!
//! A fork copies the memory and one thread only: a lock that another thread held stays locked for
//! ever in the child, and a connection would be shared by two processes. So what this library
//! keeps between calls stands in rooms, one for each process, found without a lock.

use once_cell::race::OnceBox;

/// How many generations of processes, each the parent of the next, find a room of their own.
/// The ones after that share the last room.
const ROOMS: usize = 16;

/// A `T` for each process.
pub struct PerProcess<T> {
    rooms: [OnceBox<Room<T>>; ROOMS],
}

struct Room<T> {
    process: u32,
    content: T,
}

impl<T> PerProcess<T> {
    pub const fn new() -> Self {
        PerProcess {
            rooms: [const { OnceBox::new() }; ROOMS],
        }
    }

    /// This process's `T`. `make` is called at its first use, with the parent's if there is one;
    /// it must not wait for a lock of the parent's.
    pub fn get(&self, make: impl Fn(Option<&T>) -> T) -> &T {
        let process = std::process::id();
        let mut parent = None;
        let mut last = None;
        for room in &self.rooms {
            let found = room.get_or_init(|| {
                Box::new(Room {
                    process,
                    content: make(parent),
                })
            });
            if found.process == process {
                return &found.content;
            }
            parent = Some(&found.content);
            last = parent;
        }
        last.expect("there is at least one room")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_finds_its_own_room_again() {
        static STATE: PerProcess<u32> = PerProcess::new();
        assert_eq!(*STATE.get(|parent| parent.copied().unwrap_or(1)), 1);
        assert_eq!(*STATE.get(|_| 2), 1);
    }
}
