//! A server that records the requests of outboxes.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::server::{read_request, respond};

/// The server's reaction to a request, after a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Makes the document, if it does not exist, and answers with its uuid.
    Accept,
    /// Makes the document, and closes the connection without an answer.
    Lose,
    /// Closes the connection without making the document.
    Drop,
    /// LifePay's answer with this code.
    Reject(i32),
    /// An HTTP answer with this status line and headers.
    Http(&'static str),
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub path: String,
    pub ext_id: String,
    pub body: String,
    pub began: Instant,
    /// When it was answered or the client had left; None while it is in progress.
    pub ended: Option<Instant>,
    /// The client closed the connection before the answer.
    pub aborted: bool,
}

#[derive(Default)]
struct Records {
    exchanges: Vec<Exchange>,
    /// ext_id and uuid of each document.
    documents: BTreeMap<String, String>,
    concurrent: usize,
    most_at_once: usize,
}

/// A server that records all requests, and the documents that they made.
pub struct Books {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    records: Arc<Mutex<Records>>,
}

impl Books {
    /// `reply` is called with the ext_id and the number of earlier requests with it.
    pub fn open(reply: impl Fn(&str, usize) -> (Duration, Reply) + Send + Sync + 'static) -> Books {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let records = Arc::new(Mutex::new(Records::default()));
        let books = Books {
            address,
            stop: Arc::clone(&stop),
            records: Arc::clone(&records),
        };
        let reply = Arc::new(reply);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (records, reply) = (Arc::clone(&records), Arc::clone(&reply));
                let stream = stream.expect("accept");
                std::thread::spawn(move || serve(stream, &records, &*reply));
            }
        });
        books
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns all requests, in the order in which they began.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.records.lock().unwrap().exchanges.clone()
    }

    pub fn of(&self, ext_id: &str) -> Vec<Exchange> {
        let all = self.exchanges().into_iter();
        all.filter(|one| one.ext_id == ext_id).collect()
    }

    /// Returns the documents' uuids by their ext_ids.
    pub fn documents(&self) -> BTreeMap<String, String> {
        self.records.lock().unwrap().documents.clone()
    }

    /// Returns the largest number of concurrent requests.
    pub fn most_at_once(&self) -> usize {
        self.records.lock().unwrap().most_at_once
    }

    /// Returns pairs of requests with one ext_id that were in progress at the same time, for longer
    /// than the server may need to notice that a client has left.
    pub fn overlaps(&self) -> Vec<(Exchange, Exchange)> {
        const NOTICED: Duration = Duration::from_millis(30);
        let exchanges = self.exchanges();
        let mut found = Vec::new();
        for (place, one) in exchanges.iter().enumerate() {
            let later = exchanges[place + 1..].iter();
            let of_one = later.filter(|other| other.ext_id == one.ext_id);
            let clash =
                of_one.filter(|other| one.ended.is_none_or(|end| end > other.began + NOTICED));
            found.extend(clash.map(|other| (one.clone(), other.clone())));
        }
        found
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

/// Returns a uuid that depends only on the ext_id.
pub fn uuid_of(ext_id: &str) -> String {
    let hash = ext_id.bytes().fold(0, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    uuid::Uuid::from_u64_pair(hash, !hash).to_string()
}

fn serve(
    mut stream: TcpStream,
    records: &Mutex<Records>,
    reply: &(dyn Fn(&str, usize) -> (Duration, Reply) + Send + Sync),
) {
    while let Some(request) = read_request(&mut stream) {
        let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
        let path = head.split(' ').nth(1).expect("a path").to_owned();
        let fields: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let ext_id = fields["ext_id"].as_str().expect("an ext_id").to_owned();
        let (number, before) = {
            let mut records = records.lock().unwrap();
            let before = records
                .exchanges
                .iter()
                .filter(|exchange| exchange.ext_id == ext_id);
            let before = before.count();
            records.exchanges.push(Exchange {
                path,
                ext_id: ext_id.clone(),
                body: body.to_owned(),
                began: Instant::now(),
                ended: None,
                aborted: false,
            });
            records.concurrent += 1;
            records.most_at_once = records.most_at_once.max(records.concurrent);
            (records.exchanges.len() - 1, before)
        };
        let (delay, reply) = reply(&ext_id, before);
        let uuid = uuid_of(&ext_id);
        let is_connected = client_stays(&stream, delay);
        let mut records = records.lock().unwrap();
        if matches!(reply, Reply::Accept | Reply::Lose) {
            // The document is made even if the client gets no answer.
            records.documents.insert(ext_id, uuid.clone());
        }
        records.concurrent -= 1;
        let exchange = &mut records.exchanges[number];
        exchange.ended = Some(Instant::now());
        exchange.aborted = !is_connected;
        drop(records);
        let answer = match reply {
            Reply::Accept => {
                let data = format!(r#"{{"code":0,"message":"","data":{{"uuid":"{uuid}"}}}}"#);
                respond("200 OK", &data)
            }
            Reply::Reject(code) => {
                let data = format!(r#"{{"code":{code},"message":"нет","data":[]}}"#);
                respond("200 OK", &data)
            }
            Reply::Http(status) => respond(status, ""),
            Reply::Lose | Reply::Drop => break,
        };
        if !is_connected || stream.write_all(&answer).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// Waits for `delay`. Returns false as soon as the client closes the connection.
pub fn client_stays(stream: &TcpStream, delay: Duration) -> bool {
    let limit = |limit| stream.set_read_timeout(limit).expect("a time limit");
    limit(Some(delay.max(Duration::from_millis(1))));
    let received = stream.peek(&mut [0]);
    limit(None);
    matches!(received, Err(error) if matches!(
        error.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
    ))
}
