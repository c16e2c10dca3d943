//! Parses a text in 1C's language into statements.

use std::rc::Rc;

use super::Value;

pub enum Expression {
    Value(Value),
    Variable(String),
    /// A property of the component.
    Property(String),
    /// A method of the component.
    Method(String, Vec<Expression>),
    /// A procedure of the program or a function of the platform.
    Call(String, Vec<Expression>),
    New(Vec<Expression>),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Binary(String, Box<Expression>, Box<Expression>),
}

pub enum Statement {
    Assign(Expression, Expression),
    Do(Expression),
    /// Branches: a condition and its statements. The last may have no condition.
    If(Vec<(Option<Expression>, Vec<Statement>)>),
    Return,
    Raise(Expression),
    Procedure(String, Rc<Vec<Statement>>),
}

/// The samples' name for the component's object.
const OBJECT: &str = "Касса";

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(f64),
    Sign(String),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let end = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") || first == '&' {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' {
            let end = end_of_text(rest);
            tokens.push(Token::Text(rest[1..end].replace("\"\"", "\"")));
            end + 1
        } else if word(first) {
            let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
            let found = &rest[..end];
            tokens.push(match found.parse() {
                Ok(number) => Token::Number(number),
                Err(_) => Token::Word(found.to_owned()),
            });
            end
        } else {
            let end = if rest.starts_with("<>") { 2 } else { 1 };
            assert!("()=<>.,;+-".contains(first), "unknown sign: {rest}");
            tokens.push(Token::Sign(rest[..end].to_owned()));
            end
        };
        rest = &rest[end..];
    }
    tokens
}

/// Returns the position of the quotation mark that ends the text at the start of `rest`. Inside the
/// text, a quotation mark is doubled.
fn end_of_text(rest: &str) -> usize {
    let mut end = 1;
    loop {
        end += rest[end..].find('"').expect("a closing quotation mark");
        if !rest[end + 1..].starts_with('"') {
            return end;
        }
        end += 2;
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

pub fn parse(text: &str) -> Vec<Statement> {
    let mut parser = Parser {
        tokens: tokens(text).into_iter().peekable(),
    };
    let statements = parser.statements();
    assert_eq!(parser.tokens.next(), None, "{text}");
    statements
}

impl Parser {
    fn is_word(&mut self, word: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Word(next)) if next == word)
    }

    fn accept(&mut self, expected: &str) -> bool {
        let is_next = match self.tokens.peek() {
            Some(Token::Word(next) | Token::Sign(next)) => next == expected,
            _ => false,
        };
        is_next && self.tokens.next().is_some()
    }

    fn expect(&mut self, expected: &str) {
        let next = self.tokens.peek().cloned();
        assert!(self.accept(expected), "expected {expected}, got {next:?}");
    }

    fn word(&mut self) -> String {
        match self.tokens.next() {
            Some(Token::Word(word)) => word,
            other => panic!("expected a word, got {other:?}"),
        }
    }

    fn statements(&mut self) -> Vec<Statement> {
        let ends = ["КонецЕсли", "ИначеЕсли", "Иначе", "КонецПроцедуры"];
        let mut statements = Vec::new();
        while self.tokens.peek().is_some() && !ends.iter().any(|end| self.is_word(end)) {
            statements.extend(self.statement());
        }
        statements
    }

    fn statement(&mut self) -> Option<Statement> {
        if self.accept("Процедура") {
            let name = self.word();
            while !self.accept(")") {
                self.tokens.next().expect("a closing parenthesis");
            }
            self.accept("Экспорт");
            let body = self.statements();
            self.expect("КонецПроцедуры");
            return Some(Statement::Procedure(name, Rc::new(body)));
        }
        let statement = if self.accept("Перем") {
            let name = self.word();
            // The tests create the object before they run a sample.
            (name != OBJECT).then(|| {
                let nothing = Expression::Value(Value::Undefined);
                Statement::Assign(Expression::Variable(name), nothing)
            })
        } else if self.accept("Если") {
            Some(self.branches())
        } else if self.accept("Возврат") {
            Some(Statement::Return)
        } else if self.accept("ВызватьИсключение") {
            Some(Statement::Raise(self.expression()))
        } else {
            let target = self.primary();
            Some(if self.accept("=") {
                Statement::Assign(target, self.expression())
            } else {
                Statement::Do(target)
            })
        };
        self.expect(";");
        statement
    }

    fn branches(&mut self) -> Statement {
        let mut branches = Vec::new();
        loop {
            let condition = self.expression();
            self.expect("Тогда");
            branches.push((Some(condition), self.statements()));
            if !self.accept("ИначеЕсли") {
                break;
            }
        }
        if self.accept("Иначе") {
            branches.push((None, self.statements()));
        }
        self.expect("КонецЕсли");
        Statement::If(branches)
    }

    /// The operators, from the weakest to the strongest.
    fn expression(&mut self) -> Expression {
        self.binary(&[&["Или"], &["И"], &["=", "<>"], &["+", "-"]])
    }

    fn binary(&mut self, levels: &[&[&str]]) -> Expression {
        let Some((operators, stronger)) = levels.split_first() else {
            return self.primary();
        };
        if stronger.len() == 1 && self.accept("Не") {
            return Expression::Not(Box::new(self.binary(levels)));
        }
        let mut left = self.binary(stronger);
        while let Some(operator) = operators.iter().find(|operator| self.accept(operator)) {
            let right = Box::new(self.binary(stronger));
            left = Expression::Binary((*operator).to_owned(), Box::new(left), right);
        }
        left
    }

    fn primary(&mut self) -> Expression {
        if self.accept("-") {
            return Expression::Negative(Box::new(self.primary()));
        }
        match self.tokens.next() {
            Some(Token::Text(text)) => Expression::Value(Value::Text(text)),
            Some(Token::Number(number)) => Expression::Value(Value::Number(number)),
            Some(Token::Word(word)) => self.named(word),
            other => panic!("expected a value, got {other:?}"),
        }
    }

    fn named(&mut self, word: String) -> Expression {
        match word.as_str() {
            "Истина" => Expression::Value(Value::Boolean(true)),
            "Ложь" => Expression::Value(Value::Boolean(false)),
            "Неопределено" => Expression::Value(Value::Undefined),
            "Новый" => {
                self.expect("(");
                Expression::New(self.arguments())
            }
            _ if self.accept(".") => {
                let member = self.word();
                if word != OBJECT {
                    // A value of one of the platform's enumerations.
                    Expression::Value(Value::Text(format!("{word}.{member}")))
                } else if self.accept("(") {
                    Expression::Method(member, self.arguments())
                } else {
                    Expression::Property(member)
                }
            }
            _ if self.accept("(") => Expression::Call(word, self.arguments()),
            _ => Expression::Variable(word),
        }
    }

    /// Parses the arguments after an opening parenthesis. Those omitted are Неопределено.
    fn arguments(&mut self) -> Vec<Expression> {
        let mut arguments = Vec::new();
        if self.accept(")") {
            return arguments;
        }
        loop {
            let is_omitted = matches!(self.tokens.peek(), Some(Token::Sign(sign)) if sign == ",");
            arguments.push(if is_omitted {
                Expression::Value(Value::Undefined)
            } else {
                self.expression()
            });
            if self.accept(")") {
                return arguments;
            }
            self.expect(",");
        }
    }
}
