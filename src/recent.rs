//! A cache of a few values, which drops the least recently used.

/// A cache of at most `MOST` values.
pub struct Recent<T, const MOST: usize> {
    /// The most recently used value is last.
    values: Vec<T>,
}

impl<T, const MOST: usize> Default for Recent<T, MOST> {
    fn default() -> Self {
        Recent { values: Vec::new() }
    }
}

impl<T: Clone, const MOST: usize> Recent<T, MOST> {
    pub fn find(&mut self, is_it: impl FnMut(&T) -> bool) -> Option<T> {
        let place = self.values.iter().position(is_it)?;
        self.values[place..].rotate_left(1);
        self.values.last().cloned()
    }

    pub fn remove(&mut self, is_it: impl Fn(&T) -> bool) {
        self.values.retain(|value| !is_it(value));
    }

    pub fn add(&mut self, value: T) {
        if self.values.len() >= MOST {
            self.values.remove(0);
        }
        self.values.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recently_used_entries_stay_longer() {
        let mut recent = Recent::<_, 2>::default();
        recent.add(1);
        recent.add(2);
        assert_eq!(recent.find(|value| *value == 1), Some(1));
        recent.add(3);
        assert_eq!(recent.find(|value| *value == 2), None);
        assert_eq!(recent.find(|value| *value == 1), Some(1));
        recent.remove(|value| *value == 3);
        assert_eq!(recent.find(|value| *value == 3), None);
    }
}
