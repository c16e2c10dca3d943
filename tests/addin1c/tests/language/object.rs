//! The component's object.

use std::error::Error;

use addin1c_test::{TestAddinLib, Variant};

use super::Value;

enum Ask<'b> {
    Get,
    Set(&'b Variant),
    Call(&'b mut [Variant]),
}

type Answer = Result<Variant, Box<dyn Error>>;

/// Owns the object: the host's crate keeps the name of its type to itself.
type Owner<'a> = dyn Fn(&[u16], Ask) -> Answer + 'a;

pub struct Object<'a>(Box<Owner<'a>>);

impl<'a> Object<'a> {
    pub fn new(component: &'a TestAddinLib) -> Self {
        let object = component.new_addin("LifePay").expect("an object");
        Object(Box::new(move |name, ask| match ask {
            Ask::Get => object.get_property(name),
            Ask::Set(value) => object.set_property(name, value).map(|()| Variant::new()),
            Ask::Call([]) => object.call_as_func::<0>(name, &mut []),
            Ask::Call(found @ [_]) => object.call_as_func::<1>(name, found.try_into()?),
            Ask::Call(found @ [_, _]) => object.call_as_func::<2>(name, found.try_into()?),
            Ask::Call(found) => object.call_as_func::<3>(name, found.try_into()?),
        }))
    }

    pub fn get(&self, name: &str) -> Value {
        value_of(&self.ask(name, Ask::Get))
    }

    pub fn set(&self, name: &str, value: &Value) {
        self.ask(name, Ask::Set(&variant(value)));
    }

    /// The arguments are what they are afterwards.
    pub fn call(&self, name: &str, arguments: &mut [Value]) -> Value {
        let mut variants: Vec<Variant> = arguments.iter().map(variant).collect();
        // The host wants all parameters; 1C, too, gives what the program leaves out.
        let answer = loop {
            match (self.0)(&wide(name), Ask::Call(&mut variants)) {
                // Its words for parameters that are missing.
                Err(error) if error.to_string() == "Too many parameters" => {
                    variants.push(Variant::new());
                }
                answer => break answer.unwrap_or_else(|error| panic!("{name}: {error}")),
            }
        };
        for (argument, variant) in arguments.iter_mut().zip(&variants) {
            *argument = value_of(variant);
        }
        value_of(&answer)
    }

    fn ask(&self, name: &str, ask: Ask) -> Variant {
        (self.0)(&wide(name), ask).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// A name for the host, which wants a NUL at its end.
fn wide(name: &str) -> Vec<u16> {
    name.encode_utf16().chain([0]).collect()
}

fn variant(value: &Value) -> Variant {
    match value {
        Value::Undefined => Variant::new(),
        Value::Boolean(value) => Variant::new_bool(*value),
        Value::Number(value) => Variant::new_f64(*value),
        Value::Text(value) => Variant::new_str(&value.encode_utf16().collect::<Vec<u16>>()),
        Value::Object => panic!("an object is no argument"),
    }
}

fn value_of(variant: &Variant) -> Value {
    let number = || variant.get_i32().map(f64::from).or(variant.get_f64());
    let text = || variant.get_str().map(String::from_utf16_lossy);
    None.or_else(|| variant.get_bool().map(Value::Boolean))
        .or_else(|| number().map(Value::Number))
        .or_else(|| text().map(Value::Text))
        .unwrap_or(Value::Undefined)
}
