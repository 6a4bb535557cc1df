use super::*;

#[test]
fn what_is_not_an_arn_of_the_account_is_denied_in_the_words_of_iam() {
    let world = World::new();
    let id = world.pool(json!({}));

    let response = world.emulator.handle(&signed(
        REGION,
        "ListTagsForResource",
        &json!({"ResourceArn": id}),
    ));

    assert_eq!(
        response.body(),
        format!(
            "{{\"__type\":\"AccessDeniedException\",\"Message\":\"User: \
             arn:aws:iam::123456789012:user/emulator is not authorized to perform: \
             cognito-identity:ListTagsForResource on resource: {id}\"}}"
        )
        .as_bytes()
    );
}
