//! Calls that wait, by the clock of the runtime.

use futures_util::{FutureExt, poll};

use super::*;
use crate::quota::account::Decision;

#[tokio::test(start_paused = true)]
async fn what_is_there_is_had_at_once_and_then_one_after_the_other() {
    let guard = guard(Account::default());
    for _ in 0..AT_ONCE {
        let turn = guard.admit(get_id(EVE)).now_or_never();
        assert_eq!(sent(turn.unwrap().unwrap()).waited(), Duration::ZERO);
    }
    guard.admit(get_id(EVE)).await.map(sent).unwrap();
    let began = tokio::time::Instant::now();

    for number in 1..=20 {
        let turn = guard.admit(get_id(EVE)).await.map(sent).unwrap();

        assert!(!turn.waited().is_zero());
        let each = began.elapsed().as_secs_f64() / f64::from(number);
        assert!(
            (0.030..0.050).contains(&each),
            "{each} s for each of {number}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_had_nothing_for_a_second_does_not_wait_behind_the_greedy() {
    let guard = guard(Account::default());
    let greedy = keep_asking(&guard, EVE, 40);
    tokio::time::sleep(Duration::from_millis(300)).await;

    let ann = guard.admit(get_id(ANN)).now_or_never();
    assert!(ann.is_some_and(|turn| turn.map(sent).is_ok()));

    // The next one within the second takes its turn, which is the next.
    let ann = guard.admit(get_id(ANN)).await.map(sent).unwrap();
    assert!(
        ann.waited() < Duration::from_millis(100),
        "{:?}",
        ann.waited()
    );
    greedy.abort();
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_refused_at_once_and_told_when_to_come_back() {
    let guard = emptied(Account::default()).await;
    let _waiting: Vec<_> = (0..45).map(|_| wait(&guard, EVE)).collect();
    tokio::task::yield_now().await;

    let refused = guard.admit(get_id(EVE)).now_or_never();
    let wait = wait_of(refused.expect("at once"));
    assert!(wait < Duration::from_millis(100), "{wait:?}");

    // A deadline that is near says the same of a short queue.
    let hurried = Wanted {
        left: Duration::from_millis(500),
        ..get_id(EVE)
    };
    let refused = guard.admit(hurried).now_or_never();
    let wait = wait_of(refused.expect("at once"));
    assert!(wait > Duration::from_millis(1400), "{wait:?}");
    // And one who has not waited yet has its turn before.
    assert!(guard.admit(get_id(ANN)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_turn_does_not_come_in_time_is_refused() {
    let guard = emptied(Account::default()).await;
    let waiting = wait(&guard, EVE);
    tokio::task::yield_now().await;

    guard.reload(&account_with("share = 1\n"));

    let began = tokio::time::Instant::now();
    wait_of(waiting.await.unwrap());
    assert_eq!(began.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn so_many_wait_and_no_more_and_who_asks_for_less_pushes_out_who_asks_for_more() {
    let account = account_with("max_wait = \"1m\"\nmax_waiting = 6\nmax_waiting_of_caller = 4\n");
    let guard = emptied(account).await;
    let mut eve: Vec<_> = (0..4).map(|_| wait(&guard, EVE)).collect();
    tokio::task::yield_now().await;
    let fifth = guard.admit(get_id(EVE)).now_or_never();
    wait_of(fifth.expect("at once, four are enough"));

    let _nightly: Vec<_> = (0..2).map(|_| wait(&guard, NIGHTLY)).collect();
    tokio::task::yield_now().await;
    let third = guard.admit(get_id(NIGHTLY)).now_or_never();
    wait_of(third.expect("at once, six are enough"));
    // Two take the places of those who can wait, and the third that of the greedy.
    let ann: Vec<_> = (0..3).map(|_| wait(&guard, ANN)).collect();

    wait_of(eve.pop().unwrap().await.unwrap());
    for waiting in ann.into_iter().chain(eve) {
        assert!(waiting.await.unwrap().is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn who_goes_leaves_the_queue_and_gives_back_what_it_did_not_use() {
    let guard = emptied(Account::default()).await;
    let lane = guard.lane(HERE, Operation::GetId);
    let mut first = Box::pin(guard.admit(get_id(EVE)));
    let mut second = Box::pin(guard.admit(get_id(BOB)));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    assert_eq!(lane.waiting(), 2);

    drop(first);
    assert_eq!(lane.waiting(), 1);
    let unused = second.await.unwrap();
    drop(unused);

    let again = guard.admit(get_id(EVE)).now_or_never();
    assert!(again.is_some_and(|turn| turn.is_ok()), "it was given back");
}

#[tokio::test(start_paused = true)]
async fn who_goes_when_its_turn_has_come_gives_it_to_the_next() {
    let guard = emptied(Account::default()).await;
    let mut gone = Box::pin(guard.admit(get_id(EVE)));
    assert!(poll!(&mut gone).is_pending());

    // Its turn comes, and it does not look.
    tokio::time::sleep(Duration::from_millis(60)).await;
    drop(gone);

    let next = guard.admit(get_id(BOB)).now_or_never();
    assert!(next.is_some_and(|turn| turn.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn what_the_sdk_sends_again_is_charged() {
    let guard = guard(Account::default());
    let turn = guard.admit(get_id(EVE)).await.unwrap();
    for _ in 0..7 {
        turn.sent();
    }

    let next = guard.admit(get_id(EVE)).await.map(sent).unwrap();

    // One was asked for and six more were made.
    assert!(
        next.waited() > Duration::from_millis(70),
        "{:?}",
        next.waited()
    );
}

#[tokio::test(start_paused = true)]
async fn regions_and_operations_have_budgets_of_their_own() {
    let guard = emptied(Account::default()).await;
    for (operation, region) in [
        (Operation::GetId, "us-east-1"),
        (Operation::GetOpenIdToken, HERE),
    ] {
        let wanted = Wanted {
            operation,
            region,
            ..get_id(EVE)
        };
        assert!(guard.admit(wanted).now_or_never().is_some());
    }
    assert!(guard.admit(get_id(EVE)).now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn replicas_share_the_quota() {
    for (replicas, each) in [(1, 37..=44), (7, 270..=301)] {
        let clock = Clock::of_runtime();
        let guard = Arc::new(Guard::new(&Account::default(), replicas, clock));
        // Until everything is taken that can be had at once.
        for _ in 0..10 {
            guard.admit(get_id(EVE)).await.map(sent).unwrap();
        }
        let began = tokio::time::Instant::now();

        for _ in 0..100 {
            guard.admit(get_id(EVE)).await.map(sent).unwrap();
        }

        let took = began.elapsed().as_millis() / 100;
        assert!(each.contains(&took), "{took} ms for each of {replicas}");
    }
}

#[tokio::test(start_paused = true)]
async fn new_settings_are_in_force_while_calls_wait_and_what_was_used_stays_used() {
    let account = account_with("max_wait = \"1m\"\n[account.quotas]\nGetId = 1\n");
    let guard = emptied_of(account, 2).await;
    let began = tokio::time::Instant::now();
    let waiting: Vec<_> = (0..10).map(|_| wait(&guard, EVE)).collect();
    tokio::task::yield_now().await;

    guard.reload(&account_with("[account.quotas]\nGetId = 100\n"));

    assert!(guard.admit(get_id(EVE)).now_or_never().is_none());
    for waiting in waiting {
        assert!(waiting.await.unwrap().is_ok());
    }
    let took = began.elapsed();
    assert!(took < Duration::from_millis(600), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn roles_decide_who_can_wait() {
    let guard = guard(account_with("batch_roles = [\"nightly\"]\n"));
    let here = std::net::Ipv4Addr::LOCALHOST.into();
    let caller = |name, roles: &[&str]| crate::quota::tests::caller(name, roles);

    let (ann, job) = (
        caller("ann", &["shop"]),
        caller("job", &["shop", "nightly"]),
    );
    let (ann, job) = (guard.flow(&ann, here), guard.flow(&job, here));

    assert_eq!((ann.class, job.class), (Class::Interactive, Class::Batch));
    assert_ne!(ann.key, job.key);
}

#[tokio::test(start_paused = true)]
async fn what_becomes_of_calls_is_told() {
    let told = Arc::new(Told::default());
    let meter = Arc::clone(&told) as _;
    let guard = Guard::metered(&Account::default(), 1, Clock::of_runtime(), meter);
    let guard = Arc::new(guard);
    for _ in 0..=AT_ONCE {
        guard.admit(get_id(EVE)).await.map(sent).unwrap();
    }
    let hurried = Wanted {
        left: Duration::from_millis(1),
        ..get_id(EVE)
    };
    wait_of(guard.admit(hurried).await);
    let turn = guard.admit(get_id(EVE)).await.map(sent).unwrap();
    turn.throttled();

    let told = told.0.lock().unwrap();
    let count = |line: &str| told.iter().filter(|one| *one == line).count();
    assert_eq!(count("Admitted"), AT_ONCE);
    assert_eq!(count("Waited"), 2);
    assert_eq!(count("Refused"), 1);
    assert_eq!((count("1 wait"), count("0 wait")), (2, 2));
    assert_eq!(count("17.15/s"), 1, "{told:?}");
}

#[derive(Default)]
struct Told(std::sync::Mutex<Vec<String>>);

impl Told {
    fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl crate::quota::account::Meter for Told {
    fn decided(&self, _: &str, _: Operation, decision: Decision) {
        self.add(format!("{decision:?}"));
    }

    fn waiting(&self, _: &str, _: Operation, calls: usize) {
        self.add(format!("{calls} wait"));
    }

    fn rate(&self, _: &str, _: Operation, rate: f64) {
        self.add(format!("{rate:.2}/s"));
    }
}

/// What a file says below `[account]`.
fn account_with(text: &str) -> Account {
    let limits = crate::quota::Limits::parse(&format!("[account]\n{text}"));
    limits.unwrap().account().clone()
}

async fn emptied_of(account: Account, tokens: usize) -> Arc<Guard> {
    let guard = guard(account);
    for flow in [EVE, ANN].into_iter().take(tokens) {
        guard.admit(get_id(flow)).await.map(sent).unwrap();
    }
    guard
}

/// A call that waits for its turn and then is made.
fn wait(guard: &Arc<Guard>, flow: Flow) -> tokio::task::JoinHandle<Result<Turn, Failure>> {
    let guard = Arc::clone(guard);
    tokio::spawn(async move { guard.admit(get_id(flow)).await.map(sent) })
}

/// A caller that always has so many calls waiting.
fn keep_asking(guard: &Arc<Guard>, flow: Flow, calls: usize) -> tokio::task::JoinHandle<()> {
    let guard = Arc::clone(guard);
    tokio::spawn(async move {
        let one = || async {
            loop {
                if guard.admit(get_id(flow)).await.map(sent).is_err() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        };
        futures_util::future::join_all((0..calls).map(|_| one())).await;
    })
}
