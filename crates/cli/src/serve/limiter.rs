//! Limit on the pictures that an address may send: a bucket that fills at a steady rate and holds two seconds' worth.
//! (tower has one for all addresses; governor never admits a request that is larger than a bucket.)

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

/// Most addresses that are remembered.
const MOST: usize = 4096;

/// The buckets of all addresses.
pub struct Limiter {
    rate: f64,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

struct Bucket {
    filled: f64,
    at: f64,
}

impl Limiter {
    /// Allows `rate` pictures per second.
    pub fn new(rate: f64) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes `count` pictures out of the bucket of `peer` at `now`, in seconds. The error holds the seconds until they
    /// are in it. A request of more than a second's worth needs only a second's worth; the rest is taken afterwards.
    pub fn take(&self, peer: IpAddr, count: usize, now: f64) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let room = 2.0 * self.rate;
        let level = |bucket: &Bucket| (bucket.filled + (now - bucket.at) * self.rate).min(room);
        if buckets.len() >= MOST {
            // A full bucket is as good as none.
            buckets.retain(|_, bucket| level(bucket) < room);
        }
        let filled = buckets.get(&peer).map_or(room, level);
        let needed = (count as f64).min(self.rate);
        if filled < needed {
            return Err(((needed - filled) / self.rate).ceil() as u64);
        }
        buckets.insert(peer, Bucket { filled: filled - count as f64, at: now });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_fills_again_and_is_each_address_s_own() {
        let limiter = Limiter::new(10.0);
        let [a, b] = [1, 2].map(|n| IpAddr::from([10, 0, 0, n]));
        assert_eq!(limiter.take(a, 20, 0.0), Ok(()));
        assert_eq!(limiter.take(a, 1, 0.0), Err(1));
        assert_eq!(limiter.take(b, 20, 0.0), Ok(()), "another address");
        assert_eq!(limiter.take(a, 5, 0.5), Ok(()));
        assert_eq!(limiter.take(a, 5, 0.5), Err(1));
        assert_eq!(limiter.take(a, 20, 0.5), Err(1));
        assert_eq!(limiter.take(a, 20, 100.0), Ok(()), "it never holds more than two seconds' worth");
        assert_eq!(limiter.take(a, 1, 100.0), Err(1));
        assert_eq!(limiter.take(b, 60, 100.0), Ok(()), "more than the bucket holds");
        assert_eq!(limiter.take(b, 1, 103.0), Err(2), "and it is paid for");
    }

    #[test]
    fn addresses_are_forgotten_when_their_buckets_are_full() {
        let limiter = Limiter::new(1.0);
        for n in 0..MOST as u32 {
            assert_eq!(limiter.take(IpAddr::from(n.to_be_bytes()), 1, 0.0), Ok(()));
        }
        assert_eq!(limiter.take(IpAddr::from([255; 4]), 1, 10.0), Ok(()));
        assert_eq!(limiter.buckets.lock().expect("no panic").len(), 1);
    }
}
