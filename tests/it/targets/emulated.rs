//! An emulator that verifies signatures, as an account with a role.

use std::time::Duration;

use poolgate::emulator::SecretKeys;
use poolgate::pb;

use super::world::{Account, EVERYTHING, KEY, SECRET, SHOP, World, reason, target, to};

#[tokio::test]
async fn the_sessions_that_an_emulator_gives_are_good_where_it_verifies_signatures() {
    for (secret, is_good) in [(SECRET, true), ("another", false)] {
        let keys = SecretKeys::parse(&format!("{KEY}:{secret}")).unwrap();
        let shop = Account::with_keys(SHOP, keys).await;
        let targets = target("shop", SHOP, &shop.url, &shop.url, "");
        let world = World::start(&targets, EVERYTHING, &[]);
        let mut ann = world.client("ann").await;

        let request = pb::ListIdentityPoolsRequest {
            max_results: 1,
            ..Default::default()
        };
        let mut request = to("", request);
        request.set_timeout(Duration::from_secs(10));
        let listed = ann.list_identity_pools(request).await;

        match is_good {
            true => drop(listed.unwrap()),
            false => assert_eq!(reason(&listed.unwrap_err()), "BACKEND_CREDENTIALS"),
        }
    }
}
