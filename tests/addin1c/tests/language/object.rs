//! The component's object.

use std::error::Error;

use addin1c_test::{TestAddinLib, Variant};

use super::Value;

enum Operation<'b> {
    Get,
    Set(&'b Variant),
    Call(&'b mut [Variant]),
}

type Answer = Result<Variant, Box<dyn Error>>;

/// Owns the object. A closure, because the host's crate does not export the object's type.
type Owner<'a> = dyn Fn(&[u16], Operation) -> Answer + 'a;

pub struct Object<'a>(Box<Owner<'a>>);

impl<'a> Object<'a> {
    pub fn new(component: &'a TestAddinLib) -> Self {
        let object = component.new_addin("LifePay").expect("an object");
        Object(Box::new(move |name, operation| match operation {
            Operation::Get => object.get_property(name),
            Operation::Set(value) => object.set_property(name, value).map(|()| Variant::new()),
            Operation::Call([]) => object.call_as_func::<0>(name, &mut []),
            Operation::Call(arguments @ [_]) => {
                object.call_as_func::<1>(name, arguments.try_into()?)
            }
            Operation::Call(arguments @ [_, _]) => {
                object.call_as_func::<2>(name, arguments.try_into()?)
            }
            Operation::Call(arguments) => object.call_as_func::<3>(name, arguments.try_into()?),
        }))
    }

    pub fn get(&self, name: &str) -> Value {
        value_of(&self.perform(name, Operation::Get))
    }

    pub fn set(&self, name: &str, value: &Value) {
        self.perform(name, Operation::Set(&variant(value)));
    }

    /// Calls a method, which may change the arguments.
    pub fn call(&self, name: &str, arguments: &mut [Value]) -> Value {
        let mut variants: Vec<Variant> = arguments.iter().map(variant).collect();
        // The host requires all parameters. 1C, too, adds those that a program omits.
        let answer = loop {
            match (self.0)(&wide(name), Operation::Call(&mut variants)) {
                // The host's message for missing parameters.
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

    fn perform(&self, name: &str, operation: Operation) -> Variant {
        (self.0)(&wide(name), operation).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// Converts a name to UTF-16 with a NUL at its end, as the host requires.
fn wide(name: &str) -> Vec<u16> {
    name.encode_utf16().chain([0]).collect()
}

fn variant(value: &Value) -> Variant {
    match value {
        Value::Undefined => Variant::new(),
        Value::Boolean(value) => Variant::new_bool(*value),
        Value::Number(value) => Variant::new_f64(*value),
        Value::Text(value) => Variant::new_str(&value.encode_utf16().collect::<Vec<u16>>()),
        Value::Object => panic!("an object cannot be an argument"),
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
