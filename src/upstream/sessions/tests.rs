use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use tokio::sync::Semaphore;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// Who is asked for sessions: it counts, answers when it may, and fails when it is told to.
struct Issuer {
    asked: AtomicUsize,
    may: Semaphore,
    fails: std::sync::atomic::AtomicBool,
}

struct World {
    issuer: Arc<Issuer>,
    clock: Clock,
    sessions: Arc<Sessions>,
}

impl World {
    fn new(answers: usize) -> Self {
        let issuer = Arc::new(Issuer {
            asked: AtomicUsize::new(0),
            may: Semaphore::new(answers),
            fails: false.into(),
        });
        let clock = Clock::manual(SystemTime::UNIX_EPOCH);
        let asked = Arc::clone(&issuer);
        let ask = move |caller: Arc<str>| {
            let issuer = Arc::clone(&asked);
            let number = issuer.asked.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                issuer.may.acquire().await.unwrap().forget();
                match issuer.fails.load(Ordering::SeqCst) {
                    true => Err(unavailable()),
                    false => Ok(Session {
                        credentials: credentials(&caller, number),
                        lasts: HOUR,
                    }),
                }
            }
            .boxed()
        };
        let sessions = Arc::new(Sessions::new(Box::new(ask), clock.clone()));
        Self {
            issuer,
            clock,
            sessions,
        }
    }

    fn asked(&self) -> usize {
        self.issuer.asked.load(Ordering::SeqCst)
    }

    async fn key(&self, caller: &str) -> Result<String, Failure> {
        let credentials = self.sessions.credentials(caller).await?;
        Ok(credentials.access_key_id().to_owned())
    }

    /// Waits until whoever was asked has answered.
    async fn settled(&self, caller: &str) {
        while self.sessions.kept(caller).lock().asked.is_some() {
            tokio::task::yield_now().await;
        }
    }
}

fn credentials(caller: &str, number: usize) -> Credentials {
    Credentials::new(format!("{caller}-{number}"), "secret", None, None, "test")
}

fn unavailable() -> Failure {
    Failure::RoleUnavailable {
        target: "a".to_owned(),
        cause: "told to".to_owned(),
    }
}

#[tokio::test]
async fn each_caller_has_a_session_of_its_own_which_is_asked_for_once() {
    let world = World::new(10);

    for _ in 0..3 {
        assert_eq!(world.key("ann").await.unwrap(), "ann-1");
    }
    assert_eq!(world.key("bob").await.unwrap(), "bob-2");
    assert_eq!(world.key("ann").await.unwrap(), "ann-1");
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn many_who_wait_have_one_request_made_which_goes_on_without_them() {
    let world = World::new(0);
    let waiting = || {
        let sessions = Arc::clone(&world.sessions);
        tokio::spawn(async move { sessions.credentials("ann").await })
    };
    let first = waiting();
    let others: Vec<_> = (0..20).map(|_| waiting()).collect();
    while world.asked() == 0 {
        tokio::task::yield_now().await;
    }

    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    world.issuer.may.add_permits(1);

    for other in others {
        let credentials = other.await.unwrap().unwrap();
        assert_eq!(credentials.access_key_id(), "ann-1");
    }
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_session_is_renewed_beside_calls_and_not_used_to_its_very_end() {
    let world = World::new(1);
    world.key("ann").await.unwrap();

    world.clock.advance(HOUR * 2 / 3);
    assert_eq!(world.key("ann").await.unwrap(), "ann-1", "nobody waits");
    assert_eq!(world.key("ann").await.unwrap(), "ann-1");
    world.issuer.may.add_permits(1);
    world.settled("ann").await;
    assert_eq!(world.key("ann").await.unwrap(), "ann-2");
    assert_eq!(world.asked(), 2, "one asks for the next");

    // From the time when the second was asked for, which was at two thirds of the first.
    world.clock.advance(HOUR - EARLY);
    world.issuer.may.add_permits(1);
    assert_eq!(
        world.key("ann").await.unwrap(),
        "ann-3",
        "that one was over"
    );
}

#[tokio::test]
async fn a_session_that_cannot_be_renewed_is_used_as_long_as_it_lasts() {
    let world = World::new(10);
    world.key("ann").await.unwrap();
    world.issuer.fails.store(true, Ordering::SeqCst);

    world.clock.advance(HOUR * 2 / 3);
    for _ in 0..5 {
        assert_eq!(world.key("ann").await.unwrap(), "ann-1");
        world.settled("ann").await;
    }
    assert_eq!(world.asked(), 2, "nobody asks again for a moment");

    world.clock.advance(HOUR / 3 - EARLY);
    assert_eq!(world.key("ann").await, Err(unavailable()));
}

#[tokio::test]
async fn after_a_failure_all_have_the_same_for_a_moment_and_then_it_is_tried_again() {
    let world = World::new(10);
    world.issuer.fails.store(true, Ordering::SeqCst);

    for _ in 0..5 {
        assert_eq!(world.key("ann").await, Err(unavailable()));
    }
    assert_eq!(world.asked(), 1);

    world.issuer.fails.store(false, Ordering::SeqCst);
    world.clock.advance(PAUSE);
    assert_eq!(world.key("ann").await.unwrap(), "ann-2");
}

#[tokio::test]
async fn a_session_that_aws_does_not_take_is_dropped_and_a_newer_one_is_not() {
    let world = World::new(10);
    let first = world.sessions.credentials("ann").await.unwrap();

    assert!(world.sessions.forget("ann", &first, PAUSE));
    assert_eq!(world.key("ann").await.unwrap(), "ann-2");
    assert!(
        world.sessions.forget("ann", &first, PAUSE),
        "there is another one"
    );
    assert_eq!(world.key("ann").await.unwrap(), "ann-2");
}

#[tokio::test]
async fn sessions_of_a_caller_are_not_dropped_one_after_the_other() {
    let minute = Duration::from_secs(60);
    let world = World::new(10);
    let drop = async |caller: &str| {
        let credentials = world.sessions.credentials(caller).await.unwrap();
        world.sessions.forget(caller, &credentials, minute)
    };

    assert!(drop("ann").await);
    world.clock.advance(minute / 2);
    assert!(!drop("ann").await);
    assert!(drop("bob").await, "each caller has its own");
    world.clock.advance(minute / 2);
    assert!(drop("ann").await);
    assert_eq!(world.key("ann").await.unwrap(), "ann-4");
}

#[tokio::test]
async fn whoever_panics_while_it_is_asked_holds_nobody_up() {
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let ask = |_: Arc<str>| async { panic!("planted") }.boxed();
    let sessions = Sessions::new(Box::new(ask), clock.clone());

    for _ in 0..2 {
        let failure = sessions.credentials("ann").await.err();
        assert!(matches!(failure, Some(Failure::Internal { .. })));
        clock.advance(PAUSE);
    }
}

#[tokio::test]
async fn no_more_sessions_are_kept_than_there_is_room_for() {
    let world = World::new(MOST + 2_000);

    for number in 0..MOST + 1_000 {
        world.key(&format!("caller-{number}")).await.unwrap();
    }

    assert!(world.sessions.kept.len() <= MOST);
}

#[tokio::test]
async fn a_few_ask_at_a_time_and_when_nobody_answers_one_finds_out_for_all() {
    let world = World::new(0);
    let waiting: Vec<_> = (0..500)
        .map(|number| {
            let sessions = Arc::clone(&world.sessions);
            tokio::spawn(async move { sessions.credentials(&format!("caller-{number}")).await })
        })
        .collect();
    while world.asked() < AT_ONCE {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.asked(), AT_ONCE);

    world.issuer.fails.store(true, Ordering::SeqCst);
    world.issuer.may.add_permits(1000);
    for waits in waiting {
        assert!(waits.await.unwrap().is_err());
    }
    assert_eq!(world.asked(), AT_ONCE, "the others do not ask in vain");

    // After a moment it is tried again.
    world.issuer.fails.store(false, Ordering::SeqCst);
    world.clock.advance(PAUSE);
    assert!(world.key("caller-7").await.is_ok());
    assert!(world.key("caller-8").await.is_ok());
}

#[tokio::test]
async fn whoever_is_not_asked_for_does_not_put_off_the_next_try() {
    let world = World::new(100);
    // One more has a session that is due for renewal all the time.
    world.key("dan").await.unwrap();
    world.clock.advance(HOUR * 2 / 3);
    world.issuer.fails.store(true, Ordering::SeqCst);
    assert!(world.key("ann").await.is_err());
    world.issuer.fails.store(false, Ordering::SeqCst);

    let callers = ["bob", "cat", "ann", "bob", "cat", "ann", "bob", "cat"];
    for (number, caller) in callers.iter().enumerate() {
        world.clock.advance(PAUSE / 10);
        assert!(world.key(caller).await.is_err(), "{number}: {caller}");
        world.key("dan").await.unwrap();
        world.settled("dan").await;
    }
    assert_eq!(world.asked(), 2, "nobody asks before the moment is over");

    world.clock.advance(PAUSE - PAUSE / 10 * 8);
    for caller in ["bob", "cat", "ann"] {
        world.key(caller).await.unwrap();
    }
    world.key("dan").await.unwrap();
    world.settled("dan").await;
    assert_eq!(world.key("dan").await.unwrap(), "dan-6");
}

#[tokio::test]
async fn callers_who_come_meanwhile_have_the_newest_failure() {
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let number = AtomicUsize::new(0);
    let ask = move |_: Arc<str>| {
        let number = number.fetch_add(1, Ordering::SeqCst) + 1;
        let failure = Failure::RoleUnavailable {
            target: "a".to_owned(),
            cause: format!("cause {number}"),
        };
        async { Err(failure) }.boxed()
    };
    let sessions = Sessions::new(Box::new(ask), clock.clone());

    for (caller, cause) in [("ann", "cause 1"), ("bob", "cause 1")] {
        let failure = sessions.credentials(caller).await.unwrap_err();
        assert!(matches!(failure, Failure::RoleUnavailable { cause: it, .. } if it == cause));
    }
    clock.advance(PAUSE);
    for caller in ["ann", "bob"] {
        let failure = sessions.credentials(caller).await.unwrap_err();
        assert!(matches!(failure, Failure::RoleUnavailable { cause: it, .. } if it == "cause 2"));
    }
}
