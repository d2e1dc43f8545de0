//! Any bytes as a record, an outcome, an exchange or an answer: reading never panics.
#![no_main]

use connect_data::Error;
use connect_data::frame::{Answer, Exchange, Outcome, RawHeaders, RecordFrame};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = RecordFrame::read(data) {
        assert!(record.headers.iter().all(|header| header.is_ok()));
    }
    let _ = Outcome::read(data);
    let _ = Exchange::read(data);
    let _ = Answer::read(data);
    let _ = RawHeaders::last(data, "name");
    let _ = Error::decode(data);
});
