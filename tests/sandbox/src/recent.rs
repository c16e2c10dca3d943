//! A map that drops its oldest entries, so that a sandbox that runs for weeks does not fill the
//! memory.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

pub(crate) struct Recent<K, V> {
    limit: usize,
    values: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    pub(crate) fn new(limit: usize) -> Recent<K, V> {
        Recent {
            limit,
            values: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.values.get_mut(key)
    }

    /// Inserts a value, and returns whether the key is new. If the key is known, its value is
    /// replaced and its age does not change.
    pub(crate) fn insert(&mut self, key: K, value: V) -> bool {
        if self.values.insert(key.clone(), value).is_some() {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > self.limit {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.values.remove(&oldest));
        }
        true
    }

    /// Inserts a value and returns the previous one.
    pub(crate) fn replace(&mut self, key: K, value: V) -> Option<V> {
        if let Some(known) = self.values.get_mut(&key) {
            return Some(std::mem::replace(known, value));
        }
        self.insert(key, value);
        None
    }

    /// Returns the keys, the oldest first.
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.order.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_and_the_rest_is_kept_in_order() {
        let mut recent = Recent::new(2);
        assert!(recent.insert("a", 1));
        assert!(recent.insert("b", 2));
        assert!(!recent.insert("a", 3));
        assert!(recent.insert("c", 4));
        assert_eq!(recent.get_mut(&"a"), None);
        assert_eq!(recent.keys().collect::<Vec<_>>(), [&"b", &"c"]);
        assert_eq!(
            (recent.replace("b", 5), recent.replace("d", 6)),
            (Some(2), None)
        );
    }
}
