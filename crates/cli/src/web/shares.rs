//! Limited resources that all requests share: memory, places at the device, connections. One address may hold no more
//! than its share, so that something is left for the others. (tower's limits do not distinguish addresses.)

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longest time for which a request waits for room.
pub const WAIT: Duration = Duration::from_secs(5);

/// A limited number of units of a resource.
pub struct Shares {
    all: Arc<Semaphore>,
    share: usize,
    own: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

/// Units that a request holds; given back when dropped.
pub struct Held {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

/// Converts bytes to KiB, the unit of shared memory, rounded up.
pub fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1 << 10)
}

/// Owner of the share of a connection: an IPv4 address, or the network of 2^64 addresses that one IPv6 host is given.
pub fn who(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) if !ip.is_loopback() => {
            Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into()
        }
        other => other,
    }
}

impl Shares {
    /// `all` units, of which one address may hold `share`.
    pub fn new(all: usize, share: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), share, own: Mutex::default() }
    }

    fn of(&self, peer: IpAddr) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if !own.contains_key(&peer) {
            // Addresses that hold nothing and wait for nothing are forgotten.
            own.retain(|_, left| Arc::strong_count(left) > 1);
        }
        own.entry(peer).or_insert_with(|| Arc::new(Semaphore::new(self.share))).clone()
    }

    /// Takes `count` units for `peer`, after earlier requests; `None` if there is no room within [`WAIT`].
    pub async fn take(&self, peer: IpAddr, count: usize) -> Option<Held> {
        let count = u32::try_from(count).ok()?;
        let taken = tokio::time::timeout(WAIT, async {
            let own = self.of(peer).acquire_many_owned(count).await.ok()?;
            let all = self.all.clone().acquire_many_owned(count).await.ok()?;
            Some(Held { own, all })
        });
        taken.await.ok().flatten()
    }

    /// Takes one unit for `peer`, if there is one now.
    pub fn take_now(&self, peer: IpAddr) -> Option<Held> {
        let own = self.of(peer).try_acquire_owned().ok()?;
        let all = self.all.clone().try_acquire_owned().ok()?;
        Some(Held { own, all })
    }
}

impl Held {
    /// Adds the units of `more`.
    pub fn add(&mut self, more: Held) {
        self.own.merge(more.own);
        self.all.merge(more.all);
    }

    /// Gives back all units but `count`.
    pub fn keep(&mut self, count: usize) {
        for permit in [&mut self.own, &mut self.all] {
            drop(permit.split(permit.num_permits().saturating_sub(count)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    /// Runs a test on a runtime with one thread and timers.
    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(test);
    }

    #[test]
    fn one_address_takes_its_share_and_leaves_the_rest_to_others() {
        let shares = Shares::new(4, 3);
        let mut held: Vec<_> = (0..3).map(|_| shares.take_now(address(1)).expect("room")).collect();
        assert!(shares.take_now(address(1)).is_none(), "more than its share");
        let other = shares.take_now(address(2)).expect("what is left");
        assert!(shares.take_now(address(3)).is_none(), "more than all");
        drop(other);
        held.pop();
        assert!(shares.take_now(address(1)).is_some() && shares.take_now(address(3)).is_some());
        drop(held);
        assert!(shares.take_now(address(4)).is_some());
        assert_eq!(shares.own.lock().expect("no panic").len(), 1, "who holds nothing is forgotten");
    }

    #[test]
    fn room_is_waited_for_and_what_is_given_back_is_taken() {
        run(async {
            let shares = Arc::new(Shares::new(8, 8));
            let mut held = shares.take(address(1), 6).await.expect("room");
            held.add(shares.take(address(1), 2).await.expect("room"));
            let waits = tokio::spawn({
                let shares = shares.clone();
                async move { shares.take(address(2), 5).await.is_some() }
            });
            tokio::task::yield_now().await;
            assert!(!waits.is_finished());
            held.keep(3);
            assert!(waits.await.expect("no panic"));
        });
    }

    #[test]
    fn a_host_is_one_whatever_it_calls_itself() {
        let who = |text: &str| who(text.parse().expect("an address")).to_string();
        assert_eq!(who("10.1.2.3"), "10.1.2.3");
        assert_eq!(who("::ffff:10.1.2.3"), "10.1.2.3");
        assert_eq!(who("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(who("::1"), "::1");
    }
}
