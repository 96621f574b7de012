//! Fair order of the pictures to decode. There is one decoder, and pictures differ: a file of 12 KB may take seconds.
//! So each address has a queue, and the next turn goes to the address that has used the least of the decoder's time.
//! (tower's buffer is one queue for all.)

use super::reply::{Refusal, later};
use axum::http::StatusCode;
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::oneshot;

/// Most pictures of one address that may wait.
const WAITING: usize = 64;
/// Most addresses whose time is remembered while they do not wait.
const REMEMBERED: usize = 4096;

/// Queues for the decoder.
#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    taken: bool,
    /// Seconds that a new address counts as having used: as many as the one served last.
    clock: f64,
    had: HashMap<IpAddr, f64>,
    queues: HashMap<IpAddr, VecDeque<(u64, oneshot::Sender<Turn>)>>,
    arrivals: u64,
}

/// Turn at the decoder, which ends when this is dropped.
pub struct Turn {
    turns: Turns,
    peer: IpAddr,
    begun: Instant,
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, peer: IpAddr) -> Turn {
        Turn { turns: self.clone(), peer, begun: Instant::now() }
    }

    /// Waits until it is the turn of `peer`.
    ///
    /// # Errors
    /// If too many pictures of `peer` wait already.
    pub async fn wait(&self, peer: IpAddr) -> Result<Turn, Refusal> {
        let waits = {
            let mut state = self.state();
            if !state.taken {
                state.begin(peer);
                return Ok(self.turn(peer));
            }
            state.arrivals += 1;
            let arrival = state.arrivals;
            let queue = state.queues.entry(peer).or_default();
            queue.retain(|(_, waits)| !waits.is_closed());
            if queue.len() >= WAITING {
                let words = format!(
                    "{WAITING} pictures of one address are waiting to be read already; try again in a moment"
                );
                return Err(later(StatusCode::TOO_MANY_REQUESTS, 1, words));
            }
            let (turn, waits) = oneshot::channel();
            queue.push_back((arrival, turn));
            waits
        };
        let ended = |_| later(StatusCode::SERVICE_UNAVAILABLE, 1, "the server ended before it could answer");
        waits.await.map_err(ended)
    }

    /// Gives the decoder to the next address after `peer` has used it for `seconds`.
    fn pass(&self, peer: IpAddr, seconds: f64) {
        self.state().end(peer, seconds);
        loop {
            let Some((next, waits)) = self.state().next() else { return };
            // A client that has gone is skipped; a turn that nobody received is passed on when it is dropped.
            if waits.is_closed() {
                continue;
            }
            drop(waits.send(self.turn(next)));
            return;
        }
    }
}

impl State {
    /// Begins the turn of `peer`.
    fn begin(&mut self, peer: IpAddr) {
        self.taken = true;
        self.clock = self.had.get(&peer).copied().unwrap_or(0.0).max(self.clock);
        self.had.insert(peer, self.clock);
    }

    /// Ends the turn of `peer`.
    fn end(&mut self, peer: IpAddr, seconds: f64) {
        *self.had.entry(peer).or_default() += seconds;
        // An address that has used less than that counts as new.
        let Self { clock, queues, had, .. } = self;
        had.retain(|peer, had| *had > *clock || queues.contains_key(peer));
        if had.len() > REMEMBERED {
            had.retain(|peer, _| queues.contains_key(peer));
        }
    }

    /// Removes the next picture from the queues: of the address that has used the least time, and of equal ones the
    /// first.
    fn next(&mut self) -> Option<(IpAddr, oneshot::Sender<Turn>)> {
        self.taken = false;
        let rank = |peer: &IpAddr| self.had.get(peer).copied().unwrap_or(0.0).max(self.clock);
        let first = |queue: &VecDeque<(u64, _)>| queue.front().map_or(u64::MAX, |(arrival, _)| *arrival);
        let least = self
            .queues
            .iter()
            .min_by(|(a, x), (b, y)| rank(a).total_cmp(&rank(b)).then_with(|| first(x).cmp(&first(y))));
        let peer = *least?.0;
        let queue = self.queues.get_mut(&peer)?;
        let waits = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&peer);
        }
        let (_, waits) = waits?;
        if !waits.is_closed() {
            self.begin(peer);
        }
        Some((peer, waits))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.pass(self.peer, self.begun.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    /// Order of the turns if a picture of address n takes `seconds[n]` and `count` of each address wait.
    fn order(seconds: [f64; 2], count: usize) -> Vec<u8> {
        let mut state = State::default();
        state.begin(address(0));
        let mut kept = Vec::new();
        for (n, _) in (0u8..2).zip(seconds) {
            for _ in 0..count {
                state.arrivals += 1;
                let (turn, waits) = oneshot::channel();
                let arrival = state.arrivals;
                state.queues.entry(address(n)).or_default().push_back((arrival, turn));
                kept.push(waits);
            }
        }
        let (mut order, mut has) = (Vec::new(), 0usize);
        loop {
            state.end(address(has as u8), seconds[has]);
            let Some((next, _)) = state.next() else { return order };
            has = usize::from(next == address(1));
            order.push(has as u8);
        }
    }

    #[test]
    fn addresses_take_turns_and_dear_pictures_wait_for_cheap_ones() {
        assert_eq!(order([1.0, 1.0], 3), [1, 0, 1, 0, 1, 0]);
        assert_eq!(order([4.0, 1.0], 5)[..5], [1, 1, 1, 1, 0], "four for the time of one");
    }

    #[test]
    fn who_has_gone_is_passed_over_and_too_many_are_refused() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let turns = Turns::default();
            let has = turns.wait(address(1)).await.expect("nobody waits");
            let mut waiting: Vec<_> = (0..WAITING)
                .map(|_| {
                    let turns = turns.clone();
                    tokio::spawn(async move { turns.wait(address(1)).await.map(drop) })
                })
                .collect();
            for _ in 0..9 {
                tokio::task::yield_now().await;
            }
            assert!(turns.wait(address(1)).await.is_err(), "more than may wait");
            let other = tokio::spawn({
                let turns = turns.clone();
                async move { turns.wait(address(2)).await.map(drop) }
            });
            for _ in 0..9 {
                tokio::task::yield_now().await;
            }
            waiting.drain(..WAITING / 2).for_each(|gone| gone.abort());
            for _ in 0..9 {
                tokio::task::yield_now().await;
            }
            drop(has);
            assert!(other.await.expect("no panic").is_ok());
            for one in waiting {
                assert!(one.await.expect("no panic").is_ok());
            }
            assert!(!turns.state().taken && turns.state().queues.is_empty());
        });
    }
}
