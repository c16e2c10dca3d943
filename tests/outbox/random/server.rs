//! A server that fails, hangs, accepts and rejects at random, and records every attempt.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::books::client_stays;
use crate::support::till::Dice;
use crate::support::{read_request, respond, Server};

pub const ACCEPTED: i32 = 0;
pub const REJECTED: i32 = 6080;

/// One attempt as the server saw it.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub generation: u32,
    pub began: Instant,
    /// When it was answered or its connection ended.
    pub ended: Option<Instant>,
    /// LifePay's code, if the answer had one.
    pub code: Option<i32>,
    /// The client had closed the connection when the request was read: it aborted the attempt
    /// before.
    pub is_late: bool,
    /// The server closed a reused connection without an answer: within the same attempt, the
    /// library sends the request over a new one.
    pub is_replaced: bool,
    /// For a failure's report: the first bytes of the answer, the number of the request on its
    /// connection, and whether the client waited for the answer.
    pub answer: String,
}

#[derive(Default)]
struct Records {
    attempts: BTreeMap<String, Vec<Attempt>>,
    under_way: BTreeMap<String, (usize, TcpStream)>,
    faults: Vec<String>,
    dice: Option<Dice>,
}

pub struct RandomServer {
    server: Server,
    records: Arc<Mutex<Records>>,
    accepts_all: Arc<AtomicBool>,
}

impl RandomServer {
    pub fn start(seed: u64) -> RandomServer {
        let records = Arc::new(Mutex::new(Records {
            dice: Some(Dice::of(seed)),
            ..Records::default()
        }));
        let accepts_all = Arc::new(AtomicBool::new(false));
        let (kept, flag) = (Arc::clone(&records), Arc::clone(&accepts_all));
        RandomServer {
            server: Server::start(move |stream, _| serve(stream, &kept, &flag)),
            records,
            accepts_all,
        }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Makes the server accept everything at once from now on.
    pub fn accept_all(&self) {
        self.accepts_all.store(true, Ordering::SeqCst);
    }

    pub fn attempts(&self, ext_id: &str) -> Vec<Attempt> {
        let records = self.records.lock().unwrap();
        records.attempts.get(ext_id).cloned().unwrap_or_default()
    }

    /// Returns the number of attempts that the client had not aborted before they were read.
    pub fn count(&self, ext_id: &str) -> usize {
        let attempts = self.attempts(ext_id);
        attempts.iter().filter(|attempt| !attempt.is_late).count()
    }

    /// Returns the faults of the library that the server noticed.
    pub fn faults(&self) -> Vec<String> {
        self.records.lock().unwrap().faults.clone()
    }
}

/// Returns the delay in milliseconds, the answer, LifePay's code in it, and whether the connection
/// stays open.
fn choose(dice: &mut Dice, accepts_all: bool) -> (u64, Vec<u8>, Option<i32>, bool) {
    let answered = |code: i32| {
        let body = format!(r#"{{"code":{code},"message":"x","data":{{"uuid":"u"}}}}"#);
        respond("200 OK", &body)
    };
    if accepts_all {
        return (0, answered(ACCEPTED), Some(ACCEPTED), true);
    }
    let soon = dice.below(60);
    match dice.below(100) {
        0..35 => (soon, respond("503 X", ""), None, true),
        35..48 => (soon, Vec::new(), None, false),
        48..58 => (soon, respond("200 OK", "<html>"), None, true),
        58..65 => (soon, b"HTTP/1.1 200 OK\r\n\r\n{\"co".to_vec(), None, false),
        65..75 => (300 + dice.below(1200), Vec::new(), None, false),
        75..80 => (300 + dice.below(700), respond("503 X", ""), None, true),
        80..90 => (soon, answered(REJECTED), Some(REJECTED), true),
        _ => (soon, answered(ACCEPTED), Some(ACCEPTED), true),
    }
}

fn serve(mut stream: TcpStream, records: &Mutex<Records>, accepts_all: &AtomicBool) {
    let mut requests = 0;
    while let Some(request) = read_request(&mut stream) {
        requests += 1;
        let (_, body) = request.split_once("\r\n\r\n").expect("a head and a body");
        let fields: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let ext_id = fields["ext_id"].as_str().expect("an ext_id").to_owned();
        let generation = fields["callback_data"].as_str().expect("a generation");
        let generation = generation.parse().expect("a number");
        let (number, (delay, answer, code, stays_open)) = {
            let mut records = records.lock().unwrap();
            let is_late = is_closed(&stream);
            if let Some((_, other)) = records.under_way.get(&ext_id) {
                if !is_late && !is_closed(other) {
                    let fault = format!("two attempts at once of {ext_id}");
                    records.faults.push(fault);
                }
            }
            let attempts = records.attempts.entry(ext_id.clone()).or_default();
            attempts.push(Attempt {
                generation,
                began: Instant::now(),
                ended: None,
                code: None,
                is_late,
                is_replaced: false,
                answer: String::new(),
            });
            let number = attempts.len() - 1;
            let same = stream.try_clone().expect("a second handle");
            records.under_way.insert(ext_id.clone(), (number, same));
            let dice = records.dice.as_mut().expect("set by start");
            (number, choose(dice, accepts_all.load(Ordering::SeqCst)))
        };
        let is_connected = client_stays(&stream, Duration::from_millis(delay));
        {
            // Before the answer is sent, because the next attempt may follow it at once.
            let mut records = records.lock().unwrap();
            if matches!(records.under_way.get(&ext_id), Some((last, _)) if *last == number) {
                records.under_way.remove(&ext_id);
            }
            let attempts = records.attempts.get_mut(&ext_id).expect("it was recorded");
            attempts[number].ended = Some(Instant::now());
            attempts[number].code = code.filter(|_| is_connected);
            let start = String::from_utf8_lossy(&answer[..answer.len().min(15)]);
            attempts[number].answer = format!("{start:?}, request {requests}, {is_connected}");
            attempts[number].is_replaced = requests > 1 && answer.is_empty();
        }
        if !is_connected || stream.write_all(&answer).is_err() || !stays_open {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// Whether the other side has closed the connection.
fn is_closed(stream: &TcpStream) -> bool {
    let mut byte = 0_u8;
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    // SAFETY: the buffer has room for one byte.
    let received = unsafe { libc::recv(stream.as_raw_fd(), (&raw mut byte).cast(), 1, flags) };
    received == 0
        || (received < 0
            && std::io::Error::last_os_error().kind() != std::io::ErrorKind::WouldBlock)
}
