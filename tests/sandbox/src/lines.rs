//! All lines, ordered by the version of their last change. Readers request the changes since a
//! version, and the line that has not changed for the longest time is dropped first.

use std::collections::{BTreeMap, HashMap};

use crate::asked::Key;
use crate::line::Line;

pub(crate) struct Lines {
    limit: usize,
    lines: HashMap<Key, Line>,
    /// If two lines change at the same version, the one that was added later is newer.
    changed: BTreeMap<(u64, usize), Key>,
    added: usize,
}

impl Lines {
    pub(crate) fn new(limit: usize) -> Lines {
        Lines {
            limit,
            lines: HashMap::new(),
            changed: BTreeMap::new(),
            added: 0,
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Line> {
        self.lines.get(key)
    }

    /// Returns a line for changes that are not displayed and need no new version.
    pub(crate) fn get_mut(&mut self, key: &Key) -> Option<&mut Line> {
        self.lines.get_mut(key)
    }

    /// Changes a line, if there is one.
    pub(crate) fn change<R>(
        &mut self,
        key: &Key,
        version: u64,
        change: impl FnOnce(&mut Line) -> R,
    ) -> Option<R> {
        let line = self.lines.get_mut(key)?;
        self.changed.remove(&(line.version, line.serial));
        line.version = version;
        self.changed.insert((version, line.serial), key.clone());
        Some(change(line))
    }

    /// Adds a line whose key is new.
    pub(crate) fn add(&mut self, key: Key, mut line: Line) {
        self.added += 1;
        line.serial = self.added;
        self.changed
            .insert((line.version, line.serial), key.clone());
        self.lines.insert(key, line);
        if self.lines.len() > self.limit {
            let oldest = self.changed.pop_first();
            oldest.map(|(_, oldest)| self.lines.remove(&oldest));
        }
    }

    /// Returns the lines that have changed since a version, the last change first.
    pub(crate) fn since(&self, version: u64) -> impl Iterator<Item = &Line> {
        let changed = self.changed.range((version + 1, 0)..).rev();
        changed.filter_map(|(_, key)| self.lines.get(key))
    }
}
