//! Digests of another journal, in the place of this one's.

use super::OpenError;
use super::format::{Digest, Files};
use crate::audit::listing::Listing;

/// Two journals that differ in the ending of their names would write into each other's
/// chain of digests.
pub(super) fn refuse_others(listing: &Listing, files: &Files) -> Result<(), OpenError> {
    for name in files.digests.iter().rev() {
        let path = listing.digests().join(name);
        let Ok((digest, _)) = Digest::read(&path) else {
            continue;
        };
        for file in &digest.log_files {
            if listing.names.first_seq(&file.s3_object).is_none() {
                return Err(OpenError::Other {
                    digest: path,
                    file: file.s3_object.clone(),
                });
            }
        }
        // Those before it are of the same journal.
        if !digest.log_files.is_empty() {
            break;
        }
    }
    Ok(())
}
