use super::*;
use crate::emulator::Pace;
use crate::emulator::quotas::{Overrides, Quotas};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn the_emulators_clock_is_turned_and_the_one_outside_is_not() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let early = world.identity(&pool, json!({}));

    world.emulator.advance_time(DAY).unwrap();
    let late = world.identity(&pool, json!({}));
    world.clock.advance(Duration::from_secs(1));
    let later = world.identity(&pool, json!({}));

    let made = |id: &str| world.describe(id)["CreationDate"].as_f64().unwrap();
    let (day, now) = (DAY.as_secs_f64(), made(&early));
    assert_eq!(made(&late), now + day);
    assert_eq!(made(&later), now + day + 1.0);
    assert_eq!(world.clock.epoch_seconds(), NOW + 1);
}

#[test]
fn the_clock_is_turned_by_one_at_a_time() {
    for _ in 0..50 {
        let world = World::new();
        let far = DAY * 365 * 7000;

        let turned = std::thread::scope(|scope| {
            let turns: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| world.emulator.advance_time(far).is_ok()))
                .collect();
            let turns = turns.into_iter().map(|turn| turn.join().unwrap());
            turns.filter(|turned| *turned).count()
        });

        assert_eq!(turned, 1);
    }
}

#[test]
fn login_tokens_expire_and_tokens_are_dated_by_it() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let guest = world.identity(&pool, json!({}));
    let ann = user("ann");
    world.identity(&pool, ann.clone());

    world.emulator.advance_time(2 * DAY).unwrap();

    let body = json!({"IdentityPoolId": pool, "Logins": ann});
    let (kind, message) = world.refused("GetId", body);
    assert_eq!(kind, "NotAuthorizedException");
    assert!(message.starts_with("Invalid login token. Token expired: "));
    let token = world.ok("GetOpenIdToken", json!({"IdentityId": guest}));
    assert_eq!(claims(&token["Token"])["iat"], NOW + 2 * DAY.as_secs());

    let back = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    world.emulator.set_time(back).unwrap();
    world.ok(
        "GetId",
        json!({"IdentityPoolId": pool, "Logins": user("ann")}),
    );
}

#[test]
fn a_clock_that_stands_fills_no_quota_until_it_is_turned() {
    let settings = Settings {
        pace: Pace::Manual,
        quotas: Quotas {
            enforced: true,
            overrides: Overrides::parse("GetId=1").unwrap(),
        },
        ..Settings::default()
    };
    let world = World::with(settings);
    let pool = world.pool(json!({}));
    let get_id = || world.call("GetId", json!({"IdentityPoolId": pool}));
    assert!(get_id().is_ok());

    world.clock.advance(DAY);
    assert_eq!(get_id().unwrap_err().kind, "TooManyRequestsException");

    world.emulator.advance_time(Duration::from_secs(1)).unwrap();
    assert!(get_id().is_ok());
}
