//! A sandbox for LifePay: a small server that behaves as LifePay's page about opening a shift says,
//! so that a till's programmer can test every branch without credentials, a network or a fiscal
//! printer. It also accepts every other document, and checks it as far as published.
//!
//! Where the page is not specific, the sandbox is stricter than LifePay, so that a client's fault
//! is found here and not in a shop. Like a payment provider's test cards, magic values
//! ([`magic::rows`]) select the answer.
//!
//! ```
//! use lifepay_sandbox::{Options, Sandbox};
//!
//! let sandbox = Sandbox::start(Options::default()).unwrap();
//! let base_url = sandbox.url(); // "http://127.0.0.1:PORT", until it is dropped
//! assert!(sandbox.requests().is_empty());
//! # let _ = base_url;
//! ```
//!
//! The files, in the order in which a request passes them:
//!
//! | file | contents |
//! | --- | --- |
//! | `sandbox` | [`Sandbox`], the handle that tests hold, and its [`Options`] |
//! | `server` | the accept loop, the routes |
//! | `connections` | the open connections, and how to cut them |
//! | `listen` | opens the port, or explains why that fails |
//! | `gate` | the till's port, which can be closed, and the page's port meanwhile |
//! | `addresses` | the addresses at which a till reaches the sandbox |
//! | `tls` | HTTPS with certificates made on the fly |
//! | `origin` | refuses requests from pages of other sites |
//! | `visitor` | requests that browsers make by themselves, which are not recorded |
//! | `exchange` | one request from receipt to answer: records and prints it |
//! | `request` | the strict check of a request |
//! | `pairs` | a JSON object with its fields in their original order |
//! | `unreadable` | explains why a body is not a JSON object |
//! | `fields` | fields of requests; those of the page in its wording |
//! | `published` | each document's path, and its fields as far as published |
//! | `cloud_print` | the answer: switches and magic values first, then a document |
//! | `answering`, `switch`, `latency`, `notifying` | the selectable answers, the other switches |
//! | [`magic`] | the table of magic values |
//! | `asked`, `line`, `lines` | a request's properties for documents, the history of its ext_id |
//! | `document` | documents and their uuids |
//! | `answer` | LifePay's answer as PHP writes it, and HTML pages |
//! | `malformed` | malformed answers |
//! | `notify` | notifications to callback_url |
//! | `client`, `again` | the sandbox's own requests: notifications and replays |
//! | `journal` | the requests, for tests: [`Request`], [`Answered`] |
//! | `entry`, `event` | requests and other events as shown |
//! | `changes`, `recent` | versions, and a map that drops its oldest entries |
//! | `control` | the page and its HTTP interface |
//! | `order`, `orders` | orders to the sandbox itself |
//! | `snapshot`, `har` | the journal as JSON, and as an HTTP archive |
//! | `raw_body` | a body that is not a JSON object, for display |
//! | `page/` | the page: HTML, CSS, JavaScript, in Russian |
//! | `console` | the output for each request |
//! | `mask` | masks the apikey in everything that is printed or shown |
//! | `args` | the program's options |

#![deny(unsafe_code)]

mod addresses;
mod again;
mod answer;
mod answering;
#[doc(hidden)]
pub mod args;
mod asked;
mod changes;
mod client;
mod cloud_print;
mod connections;
mod console;
mod control;
mod document;
mod entry;
mod event;
mod exchange;
mod fields;
mod filter;
mod gate;
mod har;
mod journal;
mod latency;
mod line;
mod lines;
mod listen;
pub mod magic;
mod malformed;
mod mask;
mod notify;
mod notifying;
mod order;
mod orders;
mod origin;
mod pairs;
mod published;
mod raw_body;
mod recent;
mod request;
mod requests;
mod sandbox;
mod scenario;
mod sequence;
mod server;
mod snapshot;
mod switch;
mod tls;
mod unreadable;
mod visitor;

pub use console::flush;
pub use document::Document;
pub use journal::{Answered, Request};
pub use published::CREATE_SESSION;
pub use sandbox::{Listening, Options, Sandbox};
pub use server::PORTAL;
