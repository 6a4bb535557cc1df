//! Targets that the audit journal is forwarded to.

use super::{Accepts, Shape};
use crate::audit::forward::Target;

/// Addresses of targets.
pub(in crate::config) struct Targets;

impl Accepts for Targets {
    type Value = Vec<Target>;

    fn parse(&self, text: &str) -> Result<Vec<Target>, String> {
        let mut targets = Vec::new();
        let mut wrong = Vec::new();
        for (number, word) in (1..).zip(text.split(',').map(str::trim)) {
            match Target::parse(word) {
                Ok(target) => targets.push(target),
                Err(reason) if self.hides(word) => {
                    wrong.push(format!("target {number} is {reason}"));
                }
                Err(reason) => wrong.push(format!("`{word}` is {reason}")),
            }
        }
        match wrong.is_empty() {
            true => Ok(targets),
            false => Err(wrong.join(", ")),
        }
    }

    fn accepted(&self) -> String {
        "a list of `syslog+tls://host:port`, `syslog+tcp://host:port`, `syslog+udp://host:port`, `syslog+unix:///dev/log`, `otlp+https://host` and `otlp+http://host:4318`; in the environment separated by commas".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn hides(&self, text: &str) -> bool {
        text.contains(['@', '?', '#'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_that_is_wrong_is_named_and_a_password_is_hidden() {
        let good = "syslog+tcp://127.0.0.1:601, otlp+https://gateway.example.com";
        assert_eq!(Targets.parse(good).unwrap().len(), 2);

        let mistake = Targets.parse("syslog+tcp://a, otlp+https://b:1,file:///c");
        let mistake = mistake.unwrap_err();
        assert!(mistake.contains("`syslog+tcp://a` is"), "{mistake}");
        assert!(mistake.contains("`file:///c` is not a"), "{mistake}");

        let secret = "otlp+https://me:s3cret@gateway.example.com";
        assert!(Targets.hides(secret));
        assert!(!Targets.parse(secret).unwrap_err().contains("s3cret"));
    }
}
