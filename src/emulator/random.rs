//! Where identifiers, keys and secrets come from: the system, or a seed.
//!
//! With a seed, the same calls get the same answers in every run. Each tenant has a
//! sequence of its own, so that tests side by side do not disturb each other.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use uuid::{Builder, Uuid};

/// A source of bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Random {
    /// Bytes that nobody can guess.
    #[default]
    System,
    /// Bytes that follow from this number. Good for tests and nothing else.
    Seeded(u64),
}

impl Random {
    /// Fills `bytes`; `drawn` counts how far a tenant has come in its sequence.
    pub(super) fn fill(
        self,
        tenant: &str,
        drawn: &mut u64,
        bytes: &mut [u8],
    ) -> Result<(), Unspecified> {
        let Self::Seeded(seed) = self else {
            return rand::fill(bytes);
        };
        for chunk in bytes.chunks_mut(SHA256.output_len()) {
            let mut block = [seed.to_be_bytes(), drawn.to_be_bytes()].concat();
            block.extend_from_slice(tenant.as_bytes());
            let hash = digest(&SHA256, &block);
            chunk
                .iter_mut()
                .zip(hash.as_ref())
                .for_each(|(byte, drawn)| *byte = *drawn);
            *drawn = drawn.wrapping_add(1);
        }
        Ok(())
    }

    /// A random UUID.
    pub(super) fn uuid(self, tenant: &str, drawn: &mut u64) -> Uuid {
        let mut bytes = [0; 16];
        match self {
            Self::Seeded(_) if self.fill(tenant, drawn, &mut bytes).is_ok() => {
                Builder::from_random_bytes(bytes).into_uuid()
            }
            _ => Uuid::new_v4(),
        }
    }
}
