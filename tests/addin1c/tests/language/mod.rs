//! An interpreter for as much of 1C's language as the documentation's samples need. A sample that
//! uses anything else fails its test.

mod object;
mod syntax;

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use addin1c_test::TestAddinLib;

use object::Object;
use syntax::{Expression, Statement};

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Undefined,
    Boolean(bool),
    Number(f64),
    Text(String),
    /// The component's object.
    Object,
}

/// A program and its state.
pub struct Program<'a> {
    component: &'a TestAddinLib,
    object: Option<Object<'a>>,
    procedures: HashMap<String, Rc<Vec<Statement>>>,
    /// Whether the component from the template is installed.
    pub is_installed: bool,
    pub variables: HashMap<String, Value>,
    /// The properties that are set on each new object.
    pub settings: Vec<(&'static str, String)>,
    /// The folder that КаталогДокументов returns.
    pub documents: PathBuf,
    /// The messages that it has shown with Сообщить.
    pub messages: Vec<String>,
    /// The texts that it has written to the platform's log.
    pub logged: Vec<String>,
    /// The idle handler: the procedure that the platform calls periodically.
    pub idle_handler: Option<String>,
}

impl<'a> Program<'a> {
    pub fn new(component: &'a TestAddinLib) -> Self {
        Program {
            component,
            object: None,
            procedures: HashMap::new(),
            is_installed: false,
            variables: HashMap::new(),
            settings: Vec::new(),
            documents: PathBuf::new(),
            messages: Vec::new(),
            logged: Vec::new(),
            idle_handler: None,
        }
    }

    /// Runs the text. Its procedures are stored for `call`.
    pub fn run(&mut self, text: &str) {
        self.execute(&syntax::parse(text));
    }

    pub fn call(&mut self, procedure: &str) {
        let body = self.procedures.get(procedure).cloned();
        self.execute(&body.unwrap_or_else(|| panic!("no procedure {procedure}")));
    }

    /// Runs the statements. Returns false if Возврат ended them.
    fn execute(&mut self, statements: &[Statement]) -> bool {
        statements.iter().all(|statement| self.step(statement))
    }

    fn step(&mut self, statement: &Statement) -> bool {
        match statement {
            Statement::Procedure(name, body) => {
                self.procedures.insert(name.clone(), Rc::clone(body));
            }
            Statement::Assign(Expression::Variable(name), value) => {
                let value = self.evaluate(value);
                self.variables.insert(name.clone(), value);
            }
            Statement::Assign(Expression::Property(name), value) => {
                let value = self.evaluate(value);
                self.object().set(name, &value);
            }
            Statement::Assign(..) => panic!("an assignment to neither a variable nor a property"),
            Statement::Do(expression) => {
                self.evaluate(expression);
            }
            Statement::If(branches) => {
                for (condition, body) in branches {
                    if condition
                        .as_ref()
                        .is_none_or(|condition| self.truth(condition))
                    {
                        return self.execute(body);
                    }
                }
            }
            Statement::Return => return false,
            Statement::Raise(text) => panic!("{:?}", self.evaluate(text)),
        }
        true
    }

    fn truth(&mut self, expression: &Expression) -> bool {
        match self.evaluate(expression) {
            Value::Boolean(truth) => truth,
            other => panic!("expected Булево, got {other:?}"),
        }
    }

    fn evaluate(&mut self, expression: &Expression) -> Value {
        match expression {
            Expression::Value(value) => value.clone(),
            Expression::Variable(name) => {
                let value = self.variables.get(name).cloned();
                let own = (name == "Касса" && self.object.is_some()).then_some(Value::Object);
                value
                    .or(own)
                    .unwrap_or_else(|| panic!("no variable {name}"))
            }
            Expression::Property(name) => self.object().get(name),
            Expression::Method(name, arguments) => self.method(name, arguments),
            Expression::Call(name, arguments) => {
                let values = arguments.iter().map(|argument| self.evaluate(argument));
                let values: Vec<Value> = values.collect();
                self.platform(name, &values)
            }
            Expression::New(arguments) => {
                let class = self.evaluate(&arguments[0]);
                assert_eq!(class, Value::Text("AddIn.LifePay.LifePay".into()));
                assert!(self.is_installed, "Новый before the component is installed");
                let object = Object::new(self.component);
                for (name, value) in &self.settings {
                    object.set(name, &Value::Text(value.clone()));
                }
                self.object = Some(object);
                Value::Object
            }
            Expression::Not(of) => Value::Boolean(!self.truth(of)),
            Expression::Negative(of) => match self.evaluate(of) {
                Value::Number(number) => Value::Number(-number),
                other => panic!("expected Число, got {other:?}"),
            },
            Expression::Binary(operator, left, right) => match operator.as_str() {
                "Или" => Value::Boolean(self.truth(left) || self.truth(right)),
                "И" => Value::Boolean(self.truth(left) && self.truth(right)),
                "=" => Value::Boolean(self.evaluate(left) == self.evaluate(right)),
                "<>" => Value::Boolean(self.evaluate(left) != self.evaluate(right)),
                _ => match (operator.as_str(), self.evaluate(left), self.evaluate(right)) {
                    ("+", Value::Text(left), Value::Text(right)) => Value::Text(left + &right),
                    other => panic!("{other:?}"),
                },
            },
        }
    }

    fn method(&mut self, name: &str, arguments: &[Expression]) -> Value {
        let values = arguments.iter().map(|argument| self.evaluate(argument));
        let mut values: Vec<Value> = values.collect();
        let answer = self.object().call(name, &mut values);
        for (argument, value) in arguments.iter().zip(values) {
            if let Expression::Variable(variable) = argument {
                self.variables.insert(variable.clone(), value);
            }
        }
        answer
    }

    fn platform(&mut self, name: &str, arguments: &[Value]) -> Value {
        let text = |place: usize| match arguments.get(place) {
            Some(Value::Text(text)) => text.clone(),
            other => panic!("{name}: expected a text, got {other:?}"),
        };
        match name {
            "ПодключитьВнешнююКомпоненту" => {
                assert_eq!(text(1), "LifePay");
                assert_eq!(text(2), "ТипВнешнейКомпоненты.Native");
                // From a file at once, from a template only once it is installed.
                self.is_installed |= !text(0).starts_with("ОбщийМакет.");
                return Value::Boolean(self.is_installed);
            }
            "УстановитьВнешнююКомпоненту" => self.is_installed = true,
            "КаталогДокументов" => {
                return Value::Text(format!("{}/", self.documents.display()));
            }
            "Сообщить" => self.messages.push(text(0)),
            "ЗаписьЖурналаРегистрации" => self.logged.push(text(4)),
            "ПодключитьОбработчикОжидания" => {
                assert!(self.procedures.contains_key(&text(0)), "{arguments:?}");
                self.idle_handler = Some(text(0));
            }
            "ОтключитьОбработчикОжидания" => {
                assert_eq!(self.idle_handler.take(), Some(text(0)));
            }
            _ => panic!("no function {name}"),
        }
        Value::Undefined
    }

    fn object(&self) -> &Object<'a> {
        self.object.as_ref().expect("the object")
    }
}
