//! Whatever bytes come as a message, the answer is the caller's to understand:
//! never a panic, never a failure of poolgate's own.

use poolgate::operation::Operation;
use proptest::prelude::*;
use tonic::Code;

use crate::support::app::App;
use crate::support::examples::{call_bytes, frame};
use crate::support::wire::Wire;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_answered(message in proptest::collection::vec(any::<u8>(), 0..200)) {
        answered(&message)?;
    }

    /// Bytes that begin like the fields of a message get further.
    #[test]
    fn bytes_that_look_like_a_message_are_answered(
        fields in proptest::collection::vec((1..12_u8, "\\PC{0,20}"), 0..8)
    ) {
        let message: Vec<u8> = fields
            .iter()
            .flat_map(|(number, text)| {
                let head = [number << 3 | 2, u8::try_from(text.len()).unwrap()];
                head.into_iter().chain(text.bytes())
            })
            .collect();
        answered(&message)?;
    }
}

fn answered(message: &[u8]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let app = App::wire(&Wire::echo()).await;
        for &operation in Operation::ALL {
            let answer = call_bytes(&app, operation.path(), &frame(message)).await;
            let code = answer.err().map_or(Code::Ok, |status| status.code());
            prop_assert!(
                matches!(code, Code::Ok | Code::InvalidArgument),
                "{operation} {code:?} for {message:02x?}"
            );
        }
        Ok(())
    })
}
