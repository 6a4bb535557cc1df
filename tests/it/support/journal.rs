//! An audit journal as poolgate writes it, made out of calls that nobody made.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate::audit::digest::{Maker, Settings};
use poolgate::audit::line::{Draft, Hash};
use serde_json::{Value, json};

pub const POOL: &str = "eu-west-1:aaaaaaaa-0000-4000-8000-000000000000";
const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "111122223333";

/// A journal that is being written.
pub struct Journal {
    pub folder: PathBuf,
    now: SystemTime,
    seq: u64,
    hash: Hash,
    first_seq: u64,
    closed: Option<String>,
    lines: Vec<u8>,
    calls: u64,
}

impl Journal {
    /// Begins a journal in a folder.
    pub fn new(folder: &Path) -> Self {
        let mut journal = Self {
            folder: folder.to_owned(),
            now: time("2026-11-25T05:00:00Z"),
            seq: 0,
            hash: Hash::NONE,
            first_seq: 1,
            closed: None,
            lines: Vec::new(),
            calls: 0,
        };
        journal.begin();
        journal
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join("audit.jsonl")
    }

    /// The number of the last line.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    pub fn now(&self) -> SystemTime {
        self.now
    }

    pub fn advance(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Credentials are handed out, an identity is looked up, a pool is changed, in turn.
    /// Gives back the number of the call, which its access key and identity end with.
    pub fn call(&mut self) -> u64 {
        self.calls += 1;
        let call = self.calls;
        self.advance(call % 2);
        match call % 3 {
            0 => self.credentials(call),
            1 => self.read(call),
            _ => self.change(call),
        }
        call
    }

    /// A call that is begun and does not end.
    pub fn open_call(&mut self) {
        self.calls += 1;
        let call = self.calls;
        let record = self.record(
            call,
            "DeleteIdentityPool",
            false,
            &json!({"identityPoolId": POOL}),
        );
        self.write(
            &record,
            &json!({"phase": "intent", "caller": "spiffe://example/job"}),
        );
    }

    /// Writes what there is to the file.
    pub fn flush(&mut self) {
        match fs::File::options().append(true).open(self.path()) {
            Ok(mut file) => file.write_all(&self.lines).unwrap(),
            // There is never a file without a line.
            Err(_) => {
                let next = self.folder.join(".audit.jsonl.next");
                fs::write(&next, &self.lines).unwrap();
                fs::rename(next, self.path()).unwrap();
            }
        }
        self.lines.clear();
    }

    /// Closes the file and begins the next.
    pub fn rotate(&mut self) {
        self.flush();
        self.advance(60);
        let mut stamp = humantime::format_rfc3339_seconds(self.now).to_string();
        stamp.retain(|letter| !matches!(letter, '-' | ':'));
        let name = format!("audit-{stamp}-{:012}.jsonl", self.first_seq);
        fs::rename(self.path(), self.folder.join(&name)).unwrap();
        self.closed = Some(name);
        self.first_seq = self.seq + 1;
        self.begin();
    }

    /// Makes a digest of what is closed and compresses it.
    pub fn digest(&self, key: &Path) {
        let settings = self.settings(key);
        let mut maker = Maker::open(&settings, self.now).unwrap().unwrap();
        maker.make(self.now, true).unwrap();
    }

    pub fn settings(&self, key: &Path) -> Settings {
        Settings {
            journal: self.path(),
            signing_key_file: Some(key.to_owned()),
            account_id: ACCOUNT.to_owned(),
        }
    }

    fn begin(&mut self) {
        let mut record = self.record(0, "OpenJournalFile", true, &Value::Null);
        record["eventSource"] = json!("poolgate.internal");
        record["eventType"] = json!("AwsServiceEvent");
        record["serviceEventDetails"] = json!({
            "previousFile": self.closed, "previousHash": self.hash.to_string(), "openIntents": [],
        });
        self.write(&record, &json!({}));
    }

    fn credentials(&mut self, call: u64) {
        let parameters = json!({
            "identityId": identity(call),
            "logins": {"accounts.example.com": "HIDDEN_DUE_TO_SECURITY_REASONS"},
        });
        let mut record = self.record(call, "GetCredentialsForIdentity", false, &parameters);
        self.write(&record, &self.additional("intent"));
        record["eventID"] = json!(uuid(9, call));
        record["responseElements"] = json!({
            "identityId": identity(call),
            "credentials": {"accessKeyId": access_key(call), "expiration": "2026-11-25T06:00:00Z"},
        });
        self.write(&record, &self.additional("outcome"));
    }

    fn read(&mut self, call: u64) {
        let parameters = json!({"identityPoolId": POOL});
        let mut record = self.record(call, "DescribeIdentityPool", true, &parameters);
        // A value that is only mentioned is no find.
        record["userAgent"] = json!(format!("job/1.0 {:?}", access_key(call + 2)));
        if call.is_multiple_of(7) {
            record["errorCode"] = json!("TooManyRequestsException");
            record["errorMessage"] = json!("Rate exceeded");
        }
        self.write(&record, &self.additional("outcome"));
    }

    fn change(&mut self, call: u64) {
        let parameters = json!({
            "identityPoolId": POOL, "identityPoolName": "näme\u{202e}", "allowUnauthenticatedIdentities": false,
        });
        let mut record = self.record(call, "UpdateIdentityPool", false, &parameters);
        self.write(&record, &self.additional("intent"));
        record["eventID"] = json!(uuid(9, call));
        record["responseElements"] = json!({"identityPoolId": POOL});
        self.write(&record, &self.additional("outcome"));
    }

    fn record(&self, call: u64, name: &str, is_read: bool, parameters: &Value) -> Value {
        json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "WebIdentityUser",
                "principalId": format!("https://issuer.example|user-{}", call % 10),
                "userName": format!("user-{}", call % 10),
                "identityProvider": "issuer.example",
                "accountId": ACCOUNT,
            },
            "eventTime": humantime::format_rfc3339_seconds(self.now).to_string(),
            "eventSource": "cognito-identity.amazonaws.com",
            "eventName": name,
            "awsRegion": REGION,
            "apiVersion": "2014-06-30",
            "sourceIPAddress": "192.0.2.7",
            "userAgent": "grpc-java/1.70.0",
            "requestParameters": parameters,
            "requestID": uuid(1, call),
            "eventID": uuid(2, call),
            "sharedEventID": uuid(3, call),
            "readOnly": is_read,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "eventCategory": "Management",
            "recipientAccountId": ACCOUNT,
            "resources": [{
                "ARN": format!("arn:aws:cognito-identity:{REGION}:{ACCOUNT}:identitypool/{POOL}"),
                "accountId": ACCOUNT,
                "type": "AWS::Cognito::IdentityPool",
            }],
            "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_256_GCM_SHA384"},
        })
    }

    fn additional(&self, phase: &str) -> Value {
        json!({
            "phase": phase,
            "caller": format!("user-{}", self.calls % 10),
            "decision": "allowed",
            "policyId": "everybody-reads",
            "grpcStatus": "OK",
            "durationMs": 12,
            "attempts": 1,
            "instanceId": "poolgate-0",
        })
    }

    fn write(&mut self, record: &Value, additional: &Value) {
        let draft = Draft::new(record, additional).unwrap();
        self.seq += 1;
        self.hash = draft.seal(self.seq, self.hash, &mut self.lines);
    }
}

pub fn access_key(call: u64) -> String {
    format!("ASIA{call:016}")
}

pub fn identity(call: u64) -> String {
    format!("{REGION}:{}", uuid(5, call))
}

fn uuid(kind: u64, call: u64) -> String {
    format!("{kind:08x}-0000-7000-8000-{call:012x}")
}

/// A private key in PEM.
pub fn signing_key() -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let body = STANDARD.encode(der.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

pub fn time(text: &str) -> SystemTime {
    humantime::parse_rfc3339(text).unwrap()
}
