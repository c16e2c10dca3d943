//! LifePay's protocol: the request and the answer, as its page on opening a shift describes them.

pub mod answer;
pub mod object;
pub mod request;
