//! Who of those who wait is next: start-time fair queueing.
//!
//! Every call has a start tag, and the least is next. Each call of a caller is tagged with one
//! more than the one before. One who has had less than others is behind the tag that is
//! being served, by a few at most. So callers take turns, whoever asks for more waits behind
//! itself, and whoever asks for little is next, also with a few calls at once.

use std::collections::{BTreeSet, HashMap, VecDeque};

/// How many calls of one who has had less than others come before theirs.
const CREDIT: u64 = 4;

/// How many callers are remembered beside those that wait: usually, and at most.
const REMEMBERED: usize = 64;
const MOST: usize = 10_000;

/// Calls that wait, each with a value.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    flows: HashMap<u128, Waiting<T>>,
    /// Of each caller that waits the tag of its first call, since when it has had that, and
    /// who it is.
    first: BTreeSet<(u64, u64, u128)>,
    len: usize,
    /// The tag that is being served.
    serving: u64,
    /// Counts what happens.
    count: u64,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    flow: u128,
    arrival: u64,
}

/// What waits of one caller.
#[derive(Debug)]
struct Waiting<T> {
    calls: VecDeque<(u64, T)>,
    /// The tag of its first call, or of the next one.
    tag: u64,
    /// Since when its first call has that tag.
    since: u64,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self {
            flows: HashMap::new(),
            first: BTreeSet::new(),
            len: 0,
            serving: CREDIT,
            count: 0,
        }
    }
}

impl<T> FairQueue<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many calls of a caller wait.
    pub(super) fn waiting_of(&self, flow: u128) -> usize {
        self.flows
            .get(&flow)
            .map_or(0, |waiting| waiting.calls.len())
    }

    /// Whether all that wait are of this caller.
    pub(super) fn is_only(&self, flow: u128) -> bool {
        self.waiting_of(flow) == self.len
    }

    /// How many callers wait.
    pub(super) fn flows(&self) -> usize {
        self.first.len()
    }

    /// How many calls would be before a further one of this caller.
    pub(super) fn ahead_of(&self, flow: u128) -> usize {
        let tag = self.next_tag(flow);
        let ahead = self.first.iter().map(|(first, _, other)| {
            let waiting = self.waiting_of(*other);
            let before = usize::try_from((tag + 1).saturating_sub(*first));
            match *other == flow {
                true => waiting,
                false => waiting.min(before.unwrap_or(usize::MAX)),
            }
        });
        ahead.sum()
    }

    /// One more of this caller, who asks for little or for much.
    pub(super) fn push(&mut self, flow: u128, modest: bool, value: T) -> Place {
        let serving = self.serving;
        let (least, arrival) = (self.least(), self.count);
        self.count += 1;
        self.len += 1;
        let waiting = self.flows.entry(flow).or_insert_with(|| Waiting {
            calls: VecDeque::new(),
            tag: if modest { least } else { serving },
            since: arrival,
        });
        if waiting.calls.is_empty() {
            waiting.tag = waiting.tag.max(least);
            waiting.since = arrival;
            self.first.insert((waiting.tag, waiting.since, flow));
        }
        waiting.calls.push_back((arrival, value));
        Place { flow, arrival }
    }

    /// Whether the next one that is not of this caller has had less than others, or has its
    /// turn before somebody who has.
    pub(super) fn is_due(&self, last: Option<u128>) -> bool {
        let next = self.next(last);
        next.is_some_and(|next| next.0 < self.serving || self.first.first() != Some(&next))
    }

    /// Whether this caller has had less than others; of one who is not known here that is
    /// so if it asks for little.
    pub(super) fn has_less(&self, flow: u128, modest: bool) -> bool {
        match self.flows.contains_key(&flow) {
            true => self.next_tag(flow) < self.serving,
            false => modest,
        }
    }

    /// The next one that is not of this caller, if there is any, and whose it is.
    pub(super) fn pop(&mut self, last: Option<u128>) -> Option<(u128, T)> {
        let next = self.next(last)?;
        self.first.remove(&next);
        let (tag, _, flow) = next;
        self.serving = self.serving.max(tag);
        let waiting = self.flows.get_mut(&flow)?;
        let (_, value) = waiting.calls.pop_front()?;
        waiting.tag = tag + 1;
        if !waiting.calls.is_empty() {
            // Behind all others, so that nobody is served twice while others wait.
            waiting.since = self.count;
            self.count += 1;
            self.first.insert((waiting.tag, waiting.since, flow));
        }
        self.one_less();
        Some((flow, value))
    }

    fn next(&self, last: Option<u128>) -> Option<(u64, u64, u128)> {
        let mut first = self.first.iter();
        let other = first.find(|(_, _, flow)| Some(*flow) != last);
        other.or(self.first.first()).copied()
    }

    /// Takes one out that does not wait any more, if it is still here. It was not served,
    /// so those of the same caller behind it move up.
    pub(super) fn remove(&mut self, place: Place) -> Option<T> {
        let Place { flow, arrival } = place;
        let waiting = self.flows.get_mut(&flow)?;
        let number = waiting.calls.iter().position(|(one, _)| *one == arrival)?;
        let (_, value) = waiting.calls.remove(number)?;
        if waiting.calls.is_empty() {
            self.first.remove(&(waiting.tag, waiting.since, flow));
        }
        self.one_less();
        Some(value)
    }

    /// The one that would be last.
    pub(super) fn last(&self) -> Option<Place> {
        let flows = self.first.iter().map(|(_, _, flow)| *flow);
        let flow = flows.max_by_key(|flow| self.next_tag(*flow))?;
        let (arrival, _) = self.flows.get(&flow)?.calls.back()?;
        let arrival = *arrival;
        Some(Place { flow, arrival })
    }

    /// The same, if it is behind a further call of this caller.
    pub(super) fn last_behind(&self, flow: u128) -> Option<Place> {
        let last = self.last()?;
        (self.next_tag(last.flow) > self.next_tag(flow) + 1).then_some(last)
    }

    /// The tag of a further call of this caller.
    fn next_tag(&self, flow: u128) -> u64 {
        let Some(waiting) = self.flows.get(&flow) else {
            return self.least();
        };
        let calls = u64::try_from(waiting.calls.len()).unwrap_or(u64::MAX);
        match calls {
            0 => waiting.tag.max(self.least()),
            _ => waiting.tag.saturating_add(calls),
        }
    }

    /// The tag of one who has had nothing.
    fn least(&self) -> u64 {
        self.serving.saturating_sub(CREDIT)
    }

    fn one_less(&mut self) {
        self.len = self.len.saturating_sub(1);
        if self.len == 0 {
            self.flows.clear();
            self.serving = CREDIT;
        } else if self.flows.len() > 2 * self.first.len() + REMEMBERED {
            // Whoever has nothing to make up for is as good as new.
            let least = self.least();
            self.flows
                .retain(|_, waiting| !waiting.calls.is_empty() || waiting.tag > least);
            if self.flows.len() > 2 * self.first.len() + MOST {
                self.flows.retain(|_, waiting| !waiting.calls.is_empty());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: u128 = 1;
    const BOB: u128 = 2;
    const EVE: u128 = 3;

    fn queue(calls: &[(u128, &'static str)]) -> FairQueue<&'static str> {
        let mut queue = FairQueue::default();
        for (flow, call) in calls {
            queue.push(*flow, true, *call);
        }
        queue
    }

    fn drain(queue: &mut FairQueue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop(None).map(|(_, call)| call)).collect()
    }

    #[test]
    fn callers_take_turns_however_much_each_asks_for() {
        let calls = [
            (EVE, "e1"),
            (EVE, "e2"),
            (EVE, "e3"),
            (ANN, "a1"),
            (ANN, "a2"),
            (BOB, "b1"),
        ];

        assert_eq!(
            drain(&mut queue(&calls)),
            ["e1", "a1", "b1", "e2", "a2", "e3"]
        );
    }

    #[test]
    fn whoever_comes_seldom_is_next() {
        let mut queue = queue(&[(EVE, "e1"), (EVE, "e2"), (EVE, "e3"), (EVE, "e4")]);
        queue.pop(None);
        queue.pop(None);

        assert_eq!(queue.ahead_of(ANN), 0);
        assert_eq!(queue.ahead_of(EVE), 2);
        queue.push(ANN, true, "a1");

        assert_eq!(drain(&mut queue), ["a1", "e3", "e4"]);
    }

    #[test]
    fn whoever_has_had_less_is_before_others_with_a_few_calls_and_not_twice_running() {
        let mut queue = FairQueue::default();
        for _ in 0..20 {
            queue.push(EVE, true, "e");
        }
        for _ in 0..10 {
            queue.pop(Some(EVE));
        }
        for _ in 0..7 {
            queue.push(ANN, true, "a");
        }
        queue.push(BOB, true, "b");

        let mut last = None;
        let served = std::iter::from_fn(|| {
            let (flow, call) = queue.pop(last)?;
            last = Some(flow);
            Some(call)
        });

        assert_eq!(served.collect::<String>(), "abaeaeaeaeaeaeeeee");
    }

    #[test]
    fn whoever_gave_up_waiting_is_not_put_back_for_it() {
        let mut queue = queue(&[(EVE, "e1"), (EVE, "e2"), (BOB, "b1"), (BOB, "b2")]);
        for _ in 0..10 {
            let place = queue.push(ANN, true, "a1");
            assert_eq!(queue.remove(place), Some("a1"));
            assert_eq!(queue.remove(place), None, "once");
        }

        queue.push(ANN, true, "a2");

        assert_eq!(drain(&mut queue), ["e1", "b1", "a2", "e2", "b2"]);
    }

    #[test]
    fn those_behind_one_that_has_gone_move_up() {
        let mut queue = queue(&[(BOB, "b1"), (BOB, "b2"), (BOB, "b3")]);
        for _ in 0..10 {
            // Two wait, and the elder gives up first.
            let places = [queue.push(ANN, true, "a1"), queue.push(ANN, true, "a2")];
            assert_eq!(queue.ahead_of(ANN), 5);
            assert_eq!(queue.remove(places[0]), Some("a1"));
            assert_eq!(queue.ahead_of(ANN), 3, "b1, a2, b2");
            assert_eq!(queue.remove(places[1]), Some("a2"));
        }

        queue.push(ANN, true, "a3");

        assert_eq!(drain(&mut queue), ["b1", "a3", "b2", "b3"]);
    }

    #[test]
    fn the_last_of_all_gives_way_to_whoever_is_before_it() {
        let mut queue = queue(&[(EVE, "e1"), (EVE, "e2"), (EVE, "e3")]);

        assert_eq!(queue.last_behind(EVE), None);
        let last = queue.last_behind(ANN).unwrap();

        assert_eq!(queue.remove(last), Some("e3"));
        assert_eq!(queue.waiting_of(EVE), 2);
    }

    #[test]
    fn callers_that_have_gone_are_forgotten() {
        let mut queue = FairQueue::default();
        queue.push(EVE, true, "e");
        for flow in 10..50_000 {
            queue.push(flow, true, "one");
            queue.pop(None);
            assert!(queue.flows.len() <= 2 * queue.first.len() + MOST + 1);
        }

        while queue.pop(None).is_some() {}

        assert!(queue.flows.is_empty());
    }
}
