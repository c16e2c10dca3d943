//! A client that writes raw HTTP, so that it can observe details that a real client hides.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use lifepay_sandbox::{Sandbox, CREATE_SESSION};
use serde_json::{json, Value};

pub struct Reply {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub fn json(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/json; charset=UTF-8")
        );
        serde_json::from_str(&self.body).unwrap()
    }

    /// Returns LifePay's code. Asserts HTTP 200.
    pub fn code(&self) -> i64 {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()["code"].as_i64().unwrap()
    }

    pub fn uuid(&self) -> String {
        assert_eq!(self.code(), 0, "{}", self.body);
        self.json()["data"]["uuid"].as_str().unwrap().to_owned()
    }
}

pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(port: u16) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(crate::LONG)).unwrap();
        Client {
            stream: BufReader::new(stream),
        }
    }

    pub fn to(sandbox: &Sandbox) -> Client {
        Client::connect(sandbox.port())
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// Reads some bytes and returns their number.
    pub fn read(&mut self, bytes: &mut [u8]) -> usize {
        self.stream.read(bytes).unwrap()
    }

    pub fn read_to_end(&mut self, bytes: &mut Vec<u8>) {
        self.stream.read_to_end(bytes).unwrap();
    }

    /// Sets the time limit for reads.
    pub fn limit(&mut self, limit: Duration) {
        self.stream.get_ref().set_read_timeout(Some(limit)).unwrap();
    }

    pub fn shut(&mut self, how: Shutdown) {
        self.stream.get_ref().shutdown(how).unwrap();
    }

    /// Returns true if the sandbox closes the connection within the time limit for reads. Panics if
    /// there is data.
    pub fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0]) {
            Ok(0) => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            other => panic!("{other:?}"),
        }
    }

    /// Sends a request. `first` is the request line without the version; `headers` are sent in
    /// addition to Host and Content-Length.
    pub fn send(&mut self, first: &str, headers: &[&str], body: &[u8]) {
        self.send_to("till.test", first, headers, body);
    }

    pub fn send_to(&mut self, host: &str, first: &str, headers: &[&str], body: &[u8]) {
        let mut request = format!("{first} HTTP/1.1\r\nHost: {host}\r\n");
        for header in headers {
            request += &format!("{header}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n", body.len());
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        self.write(&request);
    }

    pub fn post(&mut self, body: &Value) {
        self.post_to(CREATE_SESSION, body);
    }

    pub fn post_to(&mut self, path: &str, body: &Value) {
        let body = body.to_string();
        self.send(
            &format!("POST {path}"),
            &["Content-Type: application/json"],
            body.as_bytes(),
        );
    }

    /// Returns the next answer; None if the connection is closed before it begins.
    pub fn receive(&mut self) -> io::Result<Option<Reply>> {
        let mut head = String::new();
        loop {
            let start = head.len();
            if self.stream.read_line(&mut head)? == 0 {
                assert_eq!(head, "", "closed in the middle of an answer");
                return Ok(None);
            }
            if &head[start..] == "\r\n" {
                break;
            }
        }
        let mut reply = Reply {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: String::new(),
        };
        let length = reply.header("content-length").unwrap().parse().unwrap();
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        reply.body = String::from_utf8(body).unwrap();
        Ok(Some(reply))
    }

    pub fn ask(&mut self, body: &Value) -> Reply {
        self.post(body);
        self.receive().unwrap().expect("an answer")
    }
}

/// Sends one request over a new connection.
pub fn ask(sandbox: &Sandbox, body: &Value) -> Reply {
    Client::to(sandbox).ask(body)
}

/// Sends one request for another document than a shift.
pub fn ask_for(sandbox: &Sandbox, path: &str, body: &Value) -> Reply {
    let mut client = Client::to(sandbox);
    client.post_to(path, body);
    client.receive().unwrap().expect("an answer")
}

/// Returns the journal as JSON.
pub fn journal(sandbox: &Sandbox) -> Value {
    journal_since(sandbox, 0)
}

pub fn journal_since(sandbox: &Sandbox, version: u64) -> Value {
    let mut client = Client::to(sandbox);
    let first = format!("GET /sandbox/journal.json?since={version}");
    client.send_to("localhost", &first, &[], b"");
    client.receive().unwrap().unwrap().json()
}

/// Posts an order to the sandbox, as a till's own tests do.
pub fn order(sandbox: &Sandbox, path: &str, body: &Value) -> Reply {
    let mut client = Client::to(sandbox);
    let first = format!("POST /sandbox/{path}");
    let headers = ["Content-Type: application/json"];
    client.send_to("localhost", &first, &headers, body.to_string().as_bytes());
    client.receive().unwrap().unwrap()
}

/// Posts an order, asserts that it is accepted, and returns the switches.
pub fn switch(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    let reply = order(sandbox, path, &body);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()["switches"].clone()
}

/// Returns a request body that LifePay would accept, with these fields added or replaced.
pub fn shift(fields: Value) -> Value {
    let mut body = json!({"apikey": "key-of-a-test-42", "login": "79031234567"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}
