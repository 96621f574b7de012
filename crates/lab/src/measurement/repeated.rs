//! Dispatch rate of one kernel, repeated on the same buffers. This module proves nothing.

use wgrad::{
    Result,
    gpu::{Clock, Context, FeedBuffers, Launch, Timer},
};

/// A warmed-up kernel with its buffers.
pub(crate) struct Repeated {
    launch: Launch,
    feed: FeedBuffers,
    timer: Timer,
    dispatches: usize,
}

impl Repeated {
    /// Warms up `launch`; a sample will take about `seconds`.
    ///
    /// # Errors
    /// [`wgrad::Error::Device`] if the device fails or hangs.
    pub async fn new(context: &Context, launch: Launch, feed: FeedBuffers, seconds: f64) -> Result<Self> {
        let mut timer = Timer::new(context);
        timer.validate(context, &feed, &launch).await?;
        let dispatches = timer.dispatches_for(context, &feed, &launch, seconds).await?;
        Ok(Self { launch, feed, timer, dispatches })
    }

    /// Takes one sample; returns its rate, dispatches per second.
    ///
    /// # Errors
    /// [`wgrad::Error::Device`] if the device fails or hangs.
    pub async fn rate(&mut self, context: &Context) -> Result<f64> {
        let took = self.timer.seconds(context, &self.feed, &self.launch, self.dispatches).await?;
        Ok(self.dispatches as f64 / took)
    }

    /// Returns the clock of the last sample.
    pub fn clock(&self) -> Clock {
        self.timer.clock
    }
}
