//! A server that fails, hangs, accepts and rejects at random, and records every attempt.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::books::stays;
use crate::support::till::Dice;
use crate::support::{read_request, respond, Server};

pub const ACCEPTED: i32 = 0;
pub const REJECTED: i32 = 6080;

/// One attempt as the server saw it.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub generation: u32,
    pub began: Instant,
    /// When it was answered, or its connection had ended.
    pub ended: Option<Instant>,
    /// LifePay's code, if the answer had one.
    pub code: Option<i32>,
    /// The client was gone when the request was read: it had been broken off before.
    pub is_late: bool,
    /// A connection that was used before was closed without an answer: within the same attempt, the
    /// library sends the request over a new one.
    pub is_replaced: bool,
    /// The first bytes of the answer, and the number of the request on its connection.
    pub answer: String,
}

#[derive(Default)]
struct Records {
    attempts: BTreeMap<String, Vec<Attempt>>,
    under_way: BTreeMap<String, (usize, TcpStream)>,
    faults: Vec<String>,
    dice: Option<Dice>,
}

pub struct Moody {
    server: Server,
    records: Arc<Mutex<Records>>,
    is_good: Arc<AtomicBool>,
}

impl Moody {
    pub fn start(seed: u64) -> Moody {
        let records = Arc::new(Mutex::new(Records {
            dice: Some(Dice::of(seed)),
            ..Records::default()
        }));
        let is_good = Arc::new(AtomicBool::new(false));
        let (kept, mood) = (Arc::clone(&records), Arc::clone(&is_good));
        Moody {
            server: Server::start(move |stream, _| serve(stream, &kept, &mood)),
            records,
            is_good,
        }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// From now on everything is accepted at once.
    pub fn be_good(&self) {
        self.is_good.store(true, Ordering::SeqCst);
    }

    pub fn attempts(&self, ext_id: &str) -> Vec<Attempt> {
        let records = self.records.lock().unwrap();
        records.attempts.get(ext_id).cloned().unwrap_or_default()
    }

    /// How many attempts the client has waited for.
    pub fn count(&self, ext_id: &str) -> usize {
        let attempts = self.attempts(ext_id);
        attempts.iter().filter(|attempt| !attempt.is_late).count()
    }

    /// What must never happen, and did.
    pub fn faults(&self) -> Vec<String> {
        self.records.lock().unwrap().faults.clone()
    }
}

/// What is sent back after a delay, LifePay's code in it, and whether the connection stays open.
fn choose(dice: &mut Dice, is_good: bool) -> (u64, Vec<u8>, Option<i32>, bool) {
    let answered = |code: i32| {
        let body = format!(r#"{{"code":{code},"message":"x","data":{{"uuid":"u"}}}}"#);
        respond("200 OK", &body)
    };
    if is_good {
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

fn serve(mut stream: TcpStream, records: &Mutex<Records>, is_good: &AtomicBool) {
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
            let is_late = is_gone(&stream);
            if let Some((_, other)) = records.under_way.get(&ext_id) {
                if !is_late && !is_gone(other) {
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
            let dice = records.dice.as_mut().expect("it was made with one");
            (number, choose(dice, is_good.load(Ordering::SeqCst)))
        };
        let is_there = stays(&stream, Duration::from_millis(delay));
        {
            // Before the answer leaves: the next attempt may follow it at once.
            let mut records = records.lock().unwrap();
            if matches!(records.under_way.get(&ext_id), Some((last, _)) if *last == number) {
                records.under_way.remove(&ext_id);
            }
            let attempts = records.attempts.get_mut(&ext_id).expect("it was recorded");
            attempts[number].ended = Some(Instant::now());
            attempts[number].code = code.filter(|_| is_there);
            let start = String::from_utf8_lossy(&answer[..answer.len().min(15)]);
            attempts[number].answer = format!("{start:?}, request {requests}, {is_there}");
            attempts[number].is_replaced = requests > 1 && answer.is_empty();
        }
        if !is_there || stream.write_all(&answer).is_err() || !stays_open {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// Whether the other side has closed the connection.
fn is_gone(stream: &TcpStream) -> bool {
    let mut byte = 0_u8;
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    // SAFETY: one byte may be written.
    let came = unsafe { libc::recv(stream.as_raw_fd(), (&raw mut byte).cast(), 1, flags) };
    came == 0
        || (came < 0 && std::io::Error::last_os_error().kind() != std::io::ErrorKind::WouldBlock)
}
