//! A JSON object with its fields in their original order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::mask::Mask;

/// A JSON object that keeps duplicate fields. serde_json's own type keeps only the last one.
/// Parsers differ in which one they keep, so a client should not send any.
#[derive(Clone, Debug)]
pub(crate) struct Pairs(Vec<(String, Value)>);

impl Pairs {
    /// Returns all fields, including duplicates.
    pub(crate) fn fields(&self) -> &[(String, Value)] {
        &self.0
    }

    /// Returns the name of the first field that is given twice.
    pub(crate) fn doubled(&self) -> Option<&str> {
        let mut pairs = self.0.iter().enumerate();
        let doubled = pairs.find(|(position, (name, _))| {
            let mut before = self.0[..*position].iter();
            before.any(|(known, _)| known == name)
        });
        doubled.map(|(_, (name, _))| name.as_str())
    }

    /// Returns the object as other parsers read it.
    pub(crate) fn value(&self) -> Value {
        Value::Object(self.0.iter().cloned().collect())
    }

    /// Returns the object with the apikey masked.
    pub(crate) fn masked(&self, mask: &Mask) -> Pairs {
        let masked = |(name, value): &(String, Value)| (mask.name(name), mask.field(name, value));
        Pairs(self.0.iter().map(masked).collect())
    }
}

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
