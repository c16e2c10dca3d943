//! Text in 1C's language to statements.

use std::rc::Rc;

use super::Value;

pub enum Expression {
    Value(Value),
    Variable(String),
    /// Property of the component.
    Property(String),
    /// Method of the component.
    Method(String, Vec<Expression>),
    /// Procedure of the program, or function of the platform.
    Call(String, Vec<Expression>),
    New(Vec<Expression>),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Binary(String, Box<Expression>, Box<Expression>),
}

pub enum Statement {
    Assign(Expression, Expression),
    Do(Expression),
    /// Conditions with what they lead to; the last may be without one.
    If(Vec<(Option<Expression>, Vec<Statement>)>),
    Return,
    Raise(Expression),
    Procedure(String, Rc<Vec<Statement>>),
}

/// What the samples call the component's object.
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

/// Where the text with which this begins has its last quotation mark. Two of them stand for one in it.
fn end_of_text(rest: &str) -> usize {
    let mut end = 1;
    loop {
        end += rest[end..].find('"').expect("a text ends");
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

    fn takes(&mut self, what: &str) -> bool {
        let is_next = match self.tokens.peek() {
            Some(Token::Word(next) | Token::Sign(next)) => next == what,
            _ => false,
        };
        is_next && self.tokens.next().is_some()
    }

    fn expect(&mut self, what: &str) {
        let next = self.tokens.peek().cloned();
        assert!(self.takes(what), "{what} and not {next:?}");
    }

    fn word(&mut self) -> String {
        match self.tokens.next() {
            Some(Token::Word(word)) => word,
            other => panic!("a word and not {other:?}"),
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
        if self.takes("Процедура") {
            let name = self.word();
            while !self.takes(")") {
                self.tokens.next().expect("an end of the parameters");
            }
            self.takes("Экспорт");
            let body = self.statements();
            self.expect("КонецПроцедуры");
            return Some(Statement::Procedure(name, Rc::new(body)));
        }
        let statement = if self.takes("Перем") {
            let name = self.word();
            // A program has connected the object before it runs a sample.
            (name != OBJECT).then(|| {
                let nothing = Expression::Value(Value::Undefined);
                Statement::Assign(Expression::Variable(name), nothing)
            })
        } else if self.takes("Если") {
            Some(self.branches())
        } else if self.takes("Возврат") {
            Some(Statement::Return)
        } else if self.takes("ВызватьИсключение") {
            Some(Statement::Raise(self.expression()))
        } else {
            let target = self.primary();
            Some(if self.takes("=") {
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
            if !self.takes("ИначеЕсли") {
                break;
            }
        }
        if self.takes("Иначе") {
            branches.push((None, self.statements()));
        }
        self.expect("КонецЕсли");
        Statement::If(branches)
    }

    /// From the weakest operators to the strongest.
    fn expression(&mut self) -> Expression {
        self.binary(&[&["Или"], &["И"], &["=", "<>"], &["+", "-"]])
    }

    fn binary(&mut self, levels: &[&[&str]]) -> Expression {
        let Some((operators, stronger)) = levels.split_first() else {
            return self.primary();
        };
        if stronger.len() == 1 && self.takes("Не") {
            return Expression::Not(Box::new(self.binary(levels)));
        }
        let mut left = self.binary(stronger);
        while let Some(operator) = operators.iter().find(|operator| self.takes(operator)) {
            let right = Box::new(self.binary(stronger));
            left = Expression::Binary((*operator).to_owned(), Box::new(left), right);
        }
        left
    }

    fn primary(&mut self) -> Expression {
        if self.takes("-") {
            return Expression::Negative(Box::new(self.primary()));
        }
        match self.tokens.next() {
            Some(Token::Text(text)) => Expression::Value(Value::Text(text)),
            Some(Token::Number(number)) => Expression::Value(Value::Number(number)),
            Some(Token::Word(word)) => self.named(word),
            other => panic!("a value and not {other:?}"),
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
            _ if self.takes(".") => {
                let member = self.word();
                if word != OBJECT {
                    // A value of one of the platform's enumerations.
                    Expression::Value(Value::Text(format!("{word}.{member}")))
                } else if self.takes("(") {
                    Expression::Method(member, self.arguments())
                } else {
                    Expression::Property(member)
                }
            }
            _ if self.takes("(") => Expression::Call(word, self.arguments()),
            _ => Expression::Variable(word),
        }
    }

    /// What follows an opening parenthesis. What is left out is Неопределено.
    fn arguments(&mut self) -> Vec<Expression> {
        let mut arguments = Vec::new();
        if self.takes(")") {
            return arguments;
        }
        loop {
            let is_left_out = matches!(self.tokens.peek(), Some(Token::Sign(sign)) if sign == ",");
            arguments.push(if is_left_out {
                Expression::Value(Value::Undefined)
            } else {
                self.expression()
            });
            if self.takes(")") {
                return arguments;
            }
            self.expect(",");
        }
    }
}
