//! Where a value stands in a request, written as AWS writes it and as the proto
//! does.

/// The way from a request to one of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Step>);

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into a member of a structure, by AWS's name.
    Member(&'static str),
    /// Into an element of a list; the first is 1, as AWS and
    /// `google.rpc.BadRequest` both count.
    Index(usize),
    /// Into a value of a map.
    Key(String),
}

impl Path {
    /// The path one step further.
    #[must_use]
    pub fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// As AWS writes it: `cognitoIdentityProviders.1.member.clientId`.
    pub fn aws(&self) -> String {
        let mut text = String::new();
        for step in &self.0 {
            if !text.is_empty() {
                text.push('.');
            }
            match step {
                Step::Member(name) => text.push_str(&lower_camel(name)),
                Step::Index(index) => text.push_str(&format!("{index}.member")),
                Step::Key(key) => text.push_str(&format!("{key}.member")),
            }
        }
        text
    }

    /// As `google.rpc.BadRequest` writes it, with the proto's field names:
    /// `cognito_identity_providers[1].client_id`.
    pub fn field(&self) -> String {
        let mut text = String::new();
        for step in &self.0 {
            match step {
                Step::Member(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(&field_name(name));
                }
                Step::Index(index) => text.push_str(&format!("[{index}]")),
                Step::Key(key) => text.push_str(&format!("[{key}]")),
            }
        }
        text
    }
}

/// The proto's name of an AWS member: `OpenIdConnectProviderARNs` is
/// `open_id_connect_provider_arns`.
pub fn field_name(member: &str) -> String {
    let mut name = String::with_capacity(member.len() + 4);
    for character in member.replace("ARN", "Arn").chars() {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

/// The proto's path of a member path in an AWS error text, such as
/// `cognitoIdentityProviders.1.member.clientId`.
pub fn path_of_member(aws: &str) -> String {
    let mut field = String::new();
    let mut steps = aws.split('.').peekable();
    while let Some(step) = steps.next() {
        if steps.peek() == Some(&"member") {
            steps.next();
            field.push_str(&format!("[{step}]"));
        } else {
            if !field.is_empty() {
                field.push('.');
            }
            field.push_str(&field_name(step));
        }
    }
    field
}

fn lower_camel(name: &str) -> String {
    let mut characters = name.chars();
    characters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(characters)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_aws_and_as_the_proto_write_it() {
        let path = Path::default()
            .with(Step::Member("CognitoIdentityProviders"))
            .with(Step::Index(2))
            .with(Step::Member("ClientId"));

        assert_eq!(path.aws(), "cognitoIdentityProviders.2.member.clientId");
        assert_eq!(path.field(), "cognito_identity_providers[2].client_id");
        assert_eq!(path_of_member(&path.aws()), path.field());
    }

    #[test]
    fn arns_are_one_word() {
        assert_eq!(
            field_name("OpenIdConnectProviderARNs"),
            "open_id_connect_provider_arns"
        );
        assert_eq!(field_name("RoleARN"), "role_arn");
        assert_eq!(path_of_member("samlProviderARNs"), "saml_provider_arns");
    }
}
