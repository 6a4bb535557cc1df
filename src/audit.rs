//! What happened: a journal with one record for each call, in CloudTrail's shape.

pub mod line;
