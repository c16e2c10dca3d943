//! A few values, of which the one that was not used for the longest time makes room.

pub struct Recent<T> {
    /// The last used last.
    values: Vec<T>,
    most: usize,
}

impl<T: Clone> Recent<T> {
    pub fn new(most: usize) -> Recent<T> {
        Recent {
            values: Vec::new(),
            most,
        }
    }

    pub fn find(&mut self, is_it: impl FnMut(&T) -> bool) -> Option<T> {
        let place = self.values.iter().position(is_it)?;
        let found = self.values.remove(place);
        self.values.push(found.clone());
        Some(found)
    }

    pub fn remove(&mut self, is_it: impl Fn(&T) -> bool) {
        self.values.retain(|value| !is_it(value));
    }

    pub fn add(&mut self, value: T) {
        if self.values.len() >= self.most {
            self.values.remove(0);
        }
        self.values.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_stays_longer() {
        let mut recent = Recent::new(2);
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
