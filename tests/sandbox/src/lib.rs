//! A stand-in for LifePay: a small server that behaves as LifePay's page on
//! opening a shift says, so that a till's programmer can try every branch
//! without credentials, without a network and without a fiscal printer.
//! It takes every other document, too, and checks it as far as published.
//!
//! It is stricter than LifePay where the page leaves room, so that a client's
//! fault shows here and not in a shop. Like a payment provider's test cards,
//! magic values ([`magic::rows`]) choose the answer.
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
//! The way of a request:
//!
//! | file | what is in it |
//! | --- | --- |
//! | `sandbox` | [`Sandbox`], the handle that tests hold, and its [`Options`] |
//! | `server` | the accept loop, the routes |
//! | `connections` | those that are open, and how to cut them |
//! | `listen` | opens the port, or says why not and what to do |
//! | `gate` | the port, which can be closed, and the page's own one meanwhile |
//! | `addresses` | where a till reaches the sandbox |
//! | `tls` | HTTPS with certificates made on the fly |
//! | `origin` | who asks: no page of another site |
//! | `visitor` | what browsers ask for by themselves, which is not recorded |
//! | `exchange` | one request from receipt to answer: recorded and printed |
//! | `request` | the strict check of what came |
//! | `pairs` | a JSON object as it was written |
//! | `unreadable` | why a body is no JSON object |
//! | `fields` | fields of requests; the page's in its words |
//! | `published` | each document's path, and its fields as far as published |
//! | `cloud_print` | the answer: switches and magic values first, then a document |
//! | `answering`, `switch`, `latency`, `notifying` | what is answered from now on, and the other switches |
//! | [`magic`] | the table of magic values |
//! | `asked`, `line`, `lines` | a request as documents see it, and what is known of its ext_id |
//! | `document` | documents and their uuids |
//! | `answer` | LifePay's answer as PHP would write it, and pages of HTML |
//! | `malformed` | the same with something wrong in it |
//! | `notify` | notifications to callback_url |
//! | `client`, `again` | requests of the sandbox's own, and what is sent once more |
//! | `journal` | what tests may ask about afterwards: [`Request`], [`Answered`] |
//! | `entry`, `event` | what is shown of requests, and of what happens beside them |
//! | `changes`, `recent` | versions, and a map that forgets the oldest |
//! | `control` | the page and its HTTP interface |
//! | `order`, `orders` | what is asked of the sandbox itself |
//! | `snapshot`, `har` | the journal as JSON, and as an HTTP archive |
//! | `raw_body` | a body that is no JSON object, for people to read |
//! | `page/` | the page: HTML, CSS, JavaScript, in Russian |
//! | `console` | the lines printed for each request |
//! | `mask` | keeps the apikey out of all that is printed and shown |
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
mod whose;

pub use document::Document;
pub use journal::{Answered, Request};
pub use published::CREATE_SESSION;
pub use sandbox::{Listening, Options, Sandbox};
pub use server::PORTAL;
