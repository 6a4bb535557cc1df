//! The key that signs digests, and what its signatures are checked with.
//!
//! Signatures are CloudTrail's: RSA with PKCS #1 padding over SHA-256, in hexadecimal
//! digits. CloudTrail does not say how it makes the fingerprints of its keys; to AWS's
//! validator they are names and nothing else. Ours are the first 16 bytes of the SHA-256
//! of the public key in PKCS #1, which have the length of CloudTrail's.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, PublicKey as RsaPublicKey};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::line::Hash;

/// The longest file that is looked at, in bytes; a key of 8,192 bits has 6.5 KiB.
const MOST_BYTES: u64 = 64 * 1024;
const PEM_WIDTH: usize = 64;

/// A private key of RSA, of 2,048 bits or more.
pub struct SigningKey(KeyPair);

/// A public key of RSA.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// In PKCS #1.
    der: Vec<u8>,
}

/// A key cannot be used. Nothing of it is told.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the key `{path}`: {error}", path = .0.display(), error = .1)]
    File(PathBuf, #[source] io::Error),
    /// The file holds something else.
    #[error("`{path}` is no {wanted}", path = .0.display(), wanted = .1)]
    Other(PathBuf, &'static str),
}

const WANTED_PRIVATE: &str =
    "private RSA key of 2,048 bits or more in PEM, PKCS #8 or PKCS #1, without a password";
const WANTED_PUBLIC: &str = "RSA key of 2,048 bits or more in PEM";

impl SigningKey {
    /// Reads a private key in PEM: `PRIVATE KEY` (PKCS #8) or `RSA PRIVATE KEY` (PKCS #1).
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |error| KeyError::File(path.to_owned(), error);
        // A pipe may have nothing for ever, and a server would wait for it.
        if !path.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("it is not a regular file")));
        }
        let text = read(path)?;
        Self::parse(&text).ok_or_else(|| KeyError::Other(path.to_owned(), WANTED_PRIVATE))
    }

    fn parse(text: &str) -> Option<Self> {
        let key = if let Some(der) = pem(text, "PRIVATE KEY") {
            KeyPair::from_pkcs8(&der)
        } else {
            KeyPair::from_der(&pem(text, "RSA PRIVATE KEY")?)
        };
        key.ok().map(Self)
    }

    /// The signature of `text`.
    ///
    /// # Errors
    ///
    /// When the cryptography has failed, which it does not with a key that was read.
    pub fn sign(&self, text: &[u8]) -> Result<String, Unspecified> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        self.0
            .sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)?;
        Ok(to_hex(&signature))
    }

    /// What the signatures are checked with.
    pub fn public_key(&self) -> PublicKey {
        PublicKey {
            der: self.0.public_key().as_ref().to_vec(),
        }
    }
}

impl PublicKey {
    /// Reads a public key in PEM, or the public part of a private one, also from a pipe.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = read(path)?;
        if let Some(key) = SigningKey::parse(&text) {
            return Ok(key.public_key());
        }
        pem(&text, "PUBLIC KEY")
            .or_else(|| pem(&text, "RSA PUBLIC KEY"))
            .and_then(|der| RsaPublicKey::from_der(&der).ok())
            .map(|key| Self {
                der: key.as_ref().to_vec(),
            })
            .ok_or_else(|| KeyError::Other(path.to_owned(), WANTED_PUBLIC))
    }

    /// 32 hexadecimal digits that name the key.
    pub fn fingerprint(&self) -> String {
        let hash = Hash::of(&self.der).to_string();
        hash.get(..32).unwrap_or_default().to_owned()
    }

    /// What CloudTrail's `ListPublicKeys` has as `Value`: PKCS #1 in base64.
    pub fn value(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// In PEM, as `openssl` writes public keys.
    ///
    /// # Errors
    ///
    /// When the cryptography has failed, which it does not with a key that was read.
    pub fn to_pem(&self) -> Result<String, Unspecified> {
        let key = RsaPublicKey::from_der(&self.der).map_err(|_| Unspecified)?;
        let text = STANDARD.encode(key.as_der()?.as_ref());
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for line in text.as_bytes().chunks(PEM_WIDTH) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END PUBLIC KEY-----\n");
        Ok(pem)
    }

    /// Whether `signature` is one of `text` by this key. Only the digits that
    /// [`SigningKey::sign`] writes are taken for a signature.
    pub fn has_signed(&self, text: &[u8], signature: &str) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.der);
        from_hex(signature).is_some_and(|signature| key.verify(text, &signature).is_ok())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({})", self.public_key().fingerprint())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", self.fingerprint())
    }
}

fn read(path: &Path) -> Result<String, KeyError> {
    use io::Read as _;

    let failed = |error| KeyError::File(path.to_owned(), error);
    let file = fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(String::from_utf8(bytes).unwrap_or_default())
}

/// The first part of a PEM file with this label.
fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok()
}

fn to_hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::Pkcs8V1Der;
    use aws_lc_rs::rsa::KeySize;

    use super::*;

    fn written(label: &str, der: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let body = STANDARD.encode(der);
        let text = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        fs::write(file.path(), text).unwrap();
        file
    }

    fn private() -> Vec<u8> {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        der.as_ref().to_vec()
    }

    /// The key inside PKCS #8: what follows the head of 26 bytes.
    fn pkcs1(pkcs8: &[u8]) -> &[u8] {
        &pkcs8[26..]
    }

    #[test]
    fn a_key_is_the_same_in_all_its_forms() {
        let pkcs8 = private();
        let key = SigningKey::read(written("PRIVATE KEY", &pkcs8).path()).unwrap();
        let other_form = written("RSA PRIVATE KEY", pkcs1(&pkcs8));
        let public = key.public_key();
        let exported = tempfile::NamedTempFile::new().unwrap();
        fs::write(exported.path(), public.to_pem().unwrap()).unwrap();

        let forms = [
            SigningKey::read(other_form.path()).unwrap().public_key(),
            PublicKey::read(other_form.path()).unwrap(),
            PublicKey::read(exported.path()).unwrap(),
            PublicKey::read(written("RSA PUBLIC KEY", &public.der).path()).unwrap(),
        ];

        for form in forms {
            assert_eq!(form, public);
        }
        assert_eq!(public.fingerprint().len(), 32);
        assert_eq!(STANDARD.decode(public.value()).unwrap(), public.der);
    }

    #[test]
    fn a_signature_is_of_one_text_by_one_key_and_in_small_digits() {
        let key = SigningKey::read(written("PRIVATE KEY", &private()).path()).unwrap();
        let other = SigningKey::read(written("PRIVATE KEY", &private()).path()).unwrap();

        let signature = key.sign(b"text").unwrap();

        assert!(key.public_key().has_signed(b"text", &signature));
        assert!(!key.public_key().has_signed(b"texts", &signature));
        assert!(!other.public_key().has_signed(b"text", &signature));
        for changed in [
            signature.to_uppercase(),
            String::new(),
            "é".to_owned(),
            format!("{signature}0"),
            format!("{signature}00"),
        ] {
            assert!(!key.public_key().has_signed(b"text", &changed), "{changed}");
        }
    }

    #[test]
    fn a_pipe_is_waited_for_as_a_public_key_and_not_as_the_one_that_signs() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("key.pem");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());

        let error = SigningKey::read(&pipe).unwrap_err();

        assert!(error.to_string().contains("not a regular file"), "{error}");
        let signing = written("PRIVATE KEY", &private());
        let (from, to) = (signing.path().to_owned(), pipe.clone());
        let writer = std::thread::spawn(move || fs::write(to, fs::read(from).unwrap()));
        let read = PublicKey::read(&pipe).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(read, SigningKey::read(signing.path()).unwrap().public_key());
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let pkcs8 = private();
        let key = SigningKey::read(written("PRIVATE KEY", &pkcs8).path()).unwrap();
        let half = written("PRIVATE KEY", &pkcs8[..600]);

        let shown = format!("{key:?} {:?}", key.public_key());
        let error = SigningKey::read(half.path()).unwrap_err().to_string();

        assert!(shown.len() < 120, "{shown}");
        assert!(error.contains("is no private RSA key"), "{error}");
        assert!(error.len() < 200, "{error}");
        assert!(SigningKey::read(Path::new("/nowhere")).is_err());
    }
}
