//! Timing of launches: by the device's timestamps if they can be trusted, else by the host's clock; it reports which.
//! Timestamps are trusted after a test, because some drivers leave them zero, or write them in the wrong order or unit.
//! This module ranks nothing.

use super::{Context, FeedBuffers, Launch, Readback, Stamps, stamps::PAIR};
use crate::{Result, clock};
use std::fmt;

/// Maximum number of dispatches per sample; more would only prolong the recording.
const MOST: usize = 8192;
/// Minimum duration of the samples that timestamps are tested with, in seconds.
const JUDGED: f64 = 0.004;

/// The clock of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Clock {
    /// Timestamps that the device wrote before and after the work.
    #[serde(rename = "gpu timestamps")]
    Gpu,
    /// The host's clock, from the submission to the device's answer: it includes the overhead of a submission.
    #[serde(rename = "wall clock")]
    Wall,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gpu => "gpu timestamps",
            Self::Wall => "wall clock",
        })
    }
}

/// One measurement, in seconds for all its dispatches together.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// By the host's clock.
    pub wall: f64,
    /// By the device's timestamps, if it has them and they are non-zero and in order.
    pub gpu: Option<f64>,
}

/// Timer of launches on one device.
pub struct Timer {
    stamps: Option<Stamps>,
    /// The clock that [`Timer::seconds`] reads.
    pub clock: Clock,
    /// The reason for not using the device's timestamps, if it has them.
    pub doubt: Option<String>,
}

impl Timer {
    /// A timer that reads the device's timestamps, if there are any. They are untested until [`Timer::validate`] is
    /// called.
    pub fn new(context: &Context) -> Self {
        let stamps = Stamps::new(context, 1);
        let clock = if stamps.is_some() { Clock::Gpu } else { Clock::Wall };
        Self { stamps, clock, doubt: None }
    }

    /// Runs `launch` `dispatches` times in one compute pass and times it, without the recording.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails or hangs.
    pub async fn sample(
        &self,
        context: &Context,
        feed: &FeedBuffers,
        launch: &Launch,
        dispatches: usize,
    ) -> Result<Sample> {
        let mut encoder = context.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some(&launch.kernel.name),
            timestamp_writes: self.stamps.as_ref().map(|stamps| stamps.writes(0)),
        });
        feed.select(&mut pass, 0);
        for _ in 0..dispatches {
            launch.record(&mut pass);
        }
        drop(pass);
        let readback = self.stamps.as_ref().map(|stamps| {
            let readback = Readback::new(&context.device, PAIR);
            stamps.resolve(&mut encoder, &readback.buffer, 0);
            (readback, stamps)
        });
        let commands = encoder.finish();
        let begun = clock::seconds();
        let submission = context.queue.submit([commands]);
        if let Some((readback, _)) = &readback {
            readback.map(PAIR);
        }
        context.wait(submission.clone()).await?;
        let wall = clock::seconds() - begun;
        let mut gpu = None;
        if let Some((readback, stamps)) = readback {
            let words = readback.arrived(context, submission, &[PAIR as usize / 4]).await?;
            gpu = stamps.read(&words.concat()).first().copied().flatten().map(|[begin, end]| end - begin);
        }
        Ok(Sample { wall, gpu })
    }

    /// Seconds for `dispatches` dispatches, by the clock that this timer trusts. A single timestamp that is zero
    /// or out of order makes it trust the host's clock from then on.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails or hangs.
    pub async fn seconds(
        &mut self,
        context: &Context,
        feed: &FeedBuffers,
        launch: &Launch,
        dispatches: usize,
    ) -> Result<f64> {
        let sample = self.sample(context, feed, launch, dispatches).await?;
        match (self.clock, sample.gpu) {
            (Clock::Gpu, Some(seconds)) => Ok(seconds),
            (Clock::Gpu, None) => {
                self.distrust("a timestamp was zero or out of order");
                Ok(sample.wall)
            }
            (Clock::Wall, _) => Ok(sample.wall),
        }
    }

    /// Number of dispatches for a sample of about `seconds`. It also warms up the kernel.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails or hangs.
    pub async fn dispatches_for(
        &mut self,
        context: &Context,
        feed: &FeedBuffers,
        launch: &Launch,
        seconds: f64,
    ) -> Result<usize> {
        Ok(self.warm(context, feed, launch, seconds).await?.0)
    }

    /// As [`Timer::dispatches_for`], also with the seconds per dispatch by the host's clock: a first estimate.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails or hangs.
    pub async fn warm(
        &mut self,
        context: &Context,
        feed: &FeedBuffers,
        launch: &Launch,
        seconds: f64,
    ) -> Result<(usize, f64)> {
        let mut dispatches = 1;
        loop {
            let took = self.sample(context, feed, launch, dispatches).await?.wall.max(1e-7);
            let fitting = (seconds / took * dispatches as f64).ceil() as usize;
            if took >= seconds / 2.0 || dispatches >= MOST {
                return Ok((fitting.clamp(1, MOST), took / dispatches as f64));
            }
            dispatches = fitting.clamp(2 * dispatches, 16 * dispatches).min(MOST);
        }
    }

    /// Tests the timestamps with `launch`: they must be non-zero and in order, agree with the host's clock, and read
    /// about four times the time for four times the work. Otherwise the timer uses the host's clock from then on, and
    /// [`Timer::doubt`] has the reason.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails or hangs.
    pub async fn validate(
        &mut self,
        context: &Context,
        feed: &FeedBuffers,
        launch: &Launch,
    ) -> Result<Clock> {
        if self.clock == Clock::Wall {
            return Ok(self.clock);
        }
        let once = self.dispatches_for(context, feed, launch, JUDGED).await?.min(MOST / 4);
        let mut least = [(f64::INFINITY, f64::INFINITY); 2];
        for _ in 0..3 {
            for (least, dispatches) in least.iter_mut().zip([once, 4 * once]) {
                let sample = self.sample(context, feed, launch, dispatches).await?;
                let Some(gpu) = sample.gpu else {
                    self.distrust("timestamps are zero or out of order");
                    return Ok(self.clock);
                };
                *least = (least.0.min(gpu), least.1.min(sample.wall));
            }
        }
        let [(once, _), (four, wall)] = least;
        if let Some(doubt) = doubt(once, four, wall) {
            self.distrust(&doubt);
        }
        Ok(self.clock)
    }

    fn distrust(&mut self, why: &str) {
        self.clock = Clock::Wall;
        self.doubt = Some(why.to_string());
    }
}

/// The objection to timestamps that read `once` for some work and `four` for four times as much, which took `wall` by
/// the host's clock.
fn doubt(once: f64, four: f64, wall: f64) -> Option<String> {
    let (ratio, share) = (four / once, four / wall);
    // Wide limits, because other work may run concurrently; a clock that stands still or has another unit is far off.
    if !(2.0..=8.0).contains(&ratio) {
        return Some(format!("four times the work reads as {ratio:.2} times the time"));
    }
    if !(0.1..=1.05).contains(&share) {
        return Some(format!("the timestamps say {four:.2e} s where the host's clock says {wall:.2e} s"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::doubt;

    #[test]
    fn only_timestamps_that_follow_the_work_are_believed() {
        assert_eq!(doubt(0.004, 0.016, 0.0161), None);
        for (once, four, wall) in [
            (0.004, 0.004, 0.016),  // they stand still
            (0.004, 0.4, 0.41),     // they leap
            (4.0, 16.0, 0.016),     // another unit
            (4e-9, 16e-9, 0.016),   // another unit
            (0.0, 0.0, 0.016),      // nothing
            (f64::NAN, 0.1, 0.016), // no number
        ] {
            assert!(doubt(once, four, wall).is_some(), "{once} {four} {wall} were believed");
        }
    }
}
