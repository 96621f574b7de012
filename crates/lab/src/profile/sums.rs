//! Time of a sum over all ranks of a team, by the size of the array: what the exchange of a step's gradients costs.

use crate::measurement::Spread;
use serde::Serialize;
use wgrad::{Result, clock, team::Team};

/// Sizes of the arrays, in bytes: from those of a bias to those of a large network.
const SIZES: [usize; 8] = [1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22];
/// Fewest and most counted sums of a size.
const FEWEST: usize = 5;
const MOST: usize = 200;

/// Time of sums of one size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SumRow {
    /// Number of ranks.
    pub ranks: usize,
    /// Bytes of the array.
    pub bytes: usize,
    /// Number of counted sums.
    pub times: usize,
    /// Median time, seconds.
    pub seconds: f64,
    /// First quartile, seconds.
    pub seconds_q1: f64,
    /// Third quartile, seconds.
    pub seconds_q3: f64,
}

/// Sums arrays of several sizes for about `seconds`; all ranks of `team` call it. Rank 0 decides how often.
///
/// # Errors
/// [`wgrad::Error::Team`] if a rank has left.
pub fn measure(team: &Team, seconds: f64) -> Result<Vec<SumRow>> {
    let each = seconds / SIZES.len() as f64;
    SIZES.iter().map(|bytes| row(team, *bytes, each)).collect()
}

fn row(team: &Team, bytes: usize, seconds: f64) -> Result<SumRow> {
    let mut values = vec![1f32; bytes / size_of::<f32>()];
    let weight = 1.0 / team.size() as f64;
    let mut sum = || {
        // All begin together.
        team.any(false)?;
        let begun = clock::seconds();
        team.sum(&mut values, weight)?;
        Ok::<f64, wgrad::Error>(clock::seconds() - begun)
    };
    sum()?;
    let first = sum()?;
    let times = (seconds / first.max(1e-9)).clamp(FEWEST as f64, MOST as f64) as u64;
    let told = team.from_first(times.to_le_bytes().to_vec())?;
    let times = told.try_into().map_or(FEWEST, |told| u64::from_le_bytes(told) as usize);
    let spread = Spread::of((0..times).map(|_| sum()).collect::<Result<_>>()?);
    let Spread { median, q1, q3, .. } = spread;
    Ok(SumRow { ranks: team.size(), bytes, times, seconds: median, seconds_q1: q1, seconds_q3: q3 })
}

#[cfg(test)]
mod tests {
    use super::{FEWEST, MOST, SIZES, measure};
    use std::{sync::Arc, thread};
    use wgrad::team::{Team, TeamOptions, threads};

    #[test]
    fn every_size_is_summed_equally_often_by_all_ranks() {
        let found: Vec<_> = thread::scope(|scope| {
            let teams = threads(3).into_iter().map(|rank| Team::new(Arc::new(rank), TeamOptions::default()));
            let handles: Vec<_> = teams.map(|team| scope.spawn(move || measure(&team, 0.05))).collect();
            handles.into_iter().map(|handle| handle.join().expect("ends").expect("sums")).collect()
        });
        for rows in &found {
            assert_eq!(rows.iter().map(|row| row.bytes).collect::<Vec<_>>(), SIZES);
            for (row, first) in rows.iter().zip(&found[0]) {
                assert_eq!((row.ranks, row.times), (3, first.times));
                assert!((FEWEST..=MOST).contains(&row.times) && row.seconds_q1 <= row.seconds_q3);
                assert!(row.seconds > 0.0);
            }
        }
    }
}
