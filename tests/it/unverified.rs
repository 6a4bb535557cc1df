//! What nobody has measured on the real service is marked where it is decided and
//! listed in the docs of the emulator. This holds the two together for the questions
//! that are known to be open.

use std::fs;

/// A question that no public record answers.
struct Open {
    question: &'static str,
    /// The file that decides it, below `src/emulator`.
    file: &'static str,
    /// Words of the comment there that begins with `unverified`.
    mark: &'static str,
    /// Words of the list in the emulator's docs.
    listed: &'static str,
}

#[rustfmt::skip]
const OPEN: &[Open] = &[
    Open { question: "AllowClassicFlow left out of an update", file: "operations/pools.rs",
        mark: "that an update without it makes it unset again", listed: "`AllowClassicFlow` left out makes it unset" },
    Open { question: "another developer provider name", file: "operations/pools.rs",
        mark: "that it cannot change is documented, type and text are not", listed: "type and text for another developer provider name" },
    Open { question: "tags in an update", file: "operations/pools.rs",
        mark: "that tags in an update replace all tags", listed: "tags given replace all tags" },
    Open { question: "role mappings left out", file: "operations/roles.rs",
        mark: "that mappings left out are removed, and not kept", listed: "role mappings left out of `SetIdentityPoolRoles` are removed" },
    Open { question: "deleting unknown identities", file: "operations/identities.rs",
        mark: "identities that do not exist count as deleted", listed: "`DeleteIdentities` counts unknown identities as deleted" },
    Open { question: "the roles of a fresh pool", file: "operations/roles.rs",
        mark: "that roles are left out, and not empty, where there are none", listed: "`GetIdentityPoolRoles` leaves out what is empty" },
    Open { question: "the text of a conflict of logins", file: "store/identities.rs",
        mark: "the text is not on record", listed: "the text for a second user of one provider" },
    Open { question: "the text of a registered developer user", file: "operations/developer.rs",
        mark: "the text is AWS's description of the type", listed: "registered elsewhere" },
    Open { question: "the texts of limits", file: "operations/pool_rules.rs",
        mark: "the text is not on record", listed: "the texts of all limits" },
    Open { question: "which refusal of the classic flow comes first", file: "operations/credentials.rs",
        mark: "the order of the two refusals", listed: "which of the two refusals of the classic flow comes first" },
    Open { question: "a custom role without a mapping", file: "role_choice.rs",
        mark: "a role asked for where nothing maps roles", listed: "a custom role without a mapping" },
    Open { question: "unknown login providers", file: "operations/pools.rs",
        mark: "whether providers other than the documented ones are refused", listed: "login providers other than the documented ones are accepted" },
    Open { question: "the order of pools", file: "operations/pools.rs",
        mark: "the order, which is that of the identifiers here", listed: "the order of `ListIdentityPools`" },
    Open { question: "a bad page token", file: "paging.rs",
        mark: "type and text are not on record", listed: "type and text for a page token that is no good" },
    Open { question: "a look-up for nobody", file: "operations/developer_users.rs",
        mark: "type and text are not on record", listed: "the texts for users that are not found" },
    Open { question: "the default page of a look-up", file: "operations/developer_users.rs",
        mark: "the size of a page where the request names none", listed: "the default page of `LookupDeveloperIdentity`" },
    Open { question: "principal tags before they are set", file: "operations/principal_tags.rs",
        mark: "before anything is set, the map is empty and not the default one", listed: "a map is empty before it is set" },
    Open { question: "a user who is signed out", file: "logins.rs",
        mark: "the text is not on record", listed: "a user who is signed out everywhere" },
    Open { question: "principal tags that are too large", file: "operations/principal_tags.rs",
        mark: "the number is documented", listed: "Type and text for principal tags beyond 460 bytes" },
    Open { question: "the discovery document", file: "front.rs",
        mark: "the members besides the issuer and the keys", listed: "the discovery document" },
    Open { question: "throttling", file: "quotas.rs",
        mark: "how much AWS lets through at once", listed: "how many requests come through at once" },
    Open { question: "the HTTP status of throttling", file: "error.rs",
        mark: "that throttling is the client's fault, too", listed: "the HTTP status of throttled requests" },
    Open { question: "the texts of AWS's own troubles", file: "error.rs",
        mark: "the texts of `ConcurrentModification` and `ExternalService`", listed: "`ExternalServiceException`" },
    Open { question: "the algorithms of assertions", file: "logins/saml/signature.rs",
        mark: "which algorithms the service accepts", listed: "which algorithms may sign it" },
    Open { question: "the recipient of an assertion", file: "logins/saml/terms.rs",
        mark: "recipient of a confirmation, which is not checked", listed: "that its recipient is" },
    Open { question: "unlinking what is not linked", file: "operations/identities.rs",
        mark: "providers that are not linked are passed over", listed: "`UnlinkIdentity` passes over providers that are not linked" },
];

#[test]
fn every_open_question_is_marked_where_it_is_decided_and_listed() {
    let docs = fs::read_to_string("src/emulator.rs").unwrap();
    let (_, list) = docs.split_once("//! # Unverified behaviour").unwrap();
    let list = comments(list.split("\nmod ").next().unwrap()).concat();

    for open in OPEN {
        let code = fs::read_to_string(format!("src/emulator/{}", open.file)).unwrap();
        let marked = comments(&code)
            .iter()
            .filter_map(|comment| comment.split_once("unverified: "))
            .any(|(_, mark)| mark.contains(open.mark));

        assert!(
            marked,
            "{}: src/emulator/{} does not say so",
            open.question, open.file
        );
        assert!(list.contains(open.listed), "{}: not listed", open.question);
    }
}

/// The comments of a file, each as one line.
fn comments(code: &str) -> Vec<String> {
    let mut comments = vec![String::new()];
    for line in code.lines() {
        let line = line.trim();
        let text = ["//! ", "/// ", "// "]
            .iter()
            .find_map(|marker| line.strip_prefix(marker));
        match (text, comments.last_mut()) {
            (Some(text), Some(comment)) => {
                comment.push_str(text.trim());
                comment.push(' ');
            }
            _ => comments.push(String::new()),
        }
    }
    comments.retain(|comment| !comment.is_empty());
    comments
}
