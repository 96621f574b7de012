//! Preparation of a plan before its first step: each of its kernels is compiled, and the callback is notified.

use super::{Context, FeedBuffers, Launch, Preparing};
use crate::{
    Result,
    op::{Call, Variant},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// Maximum time for a driver to compile one kernel: nothing runs meanwhile that could hang.
const COMPILE_TIMEOUT: Duration = Duration::from_secs(3600);

impl Context {
    /// Sets the callback that receives the events of preparation.
    pub fn hear(&self, ear: impl Fn(Preparing<'_>) + Send + Sync + 'static) {
        self.ear.set(Arc::new(ear));
    }

    /// Notifies the callback, if one is set.
    pub(crate) fn tell(&self, what: Preparing<'_>) {
        if let Some(ear) = self.ear.get() {
            ear(what);
        }
    }

    /// Reports that the driver compiles `variant` for a proof of `call`, or has done so.
    pub fn tell_of_trial(&self, call: &Call, variant: &Variant, compiled: bool) {
        let kernel = format!("{}/{}", call.op.name, variant.name());
        self.tell(Preparing::Trying { kernel: &kernel, compiled });
    }

    /// Makes the driver compile the kernel of `launch`, once, by a dispatch of no workgroups: some drivers compile only
    /// when a kernel is dispatched. Nothing runs, so the time that it takes is the compiler's, and no kernel hangs.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device is lost, or compiles for more than an hour (or the time set by
    /// [`Context::set_timeout`], if that is longer).
    pub async fn warm(&self, launch: &Launch, feed: &FeedBuffers) -> Result<()> {
        if launch.kernel.warm.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let submission = self.submit_with(|pass| {
            feed.select(pass, 0);
            launch.record_nothing(pass);
        });
        let limit = COMPILE_TIMEOUT.max(self.timeout().unwrap_or_default());
        self.wait_within(submission, limit, "the driver compiles, or hangs").await
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        gpu::{Context, FeedBuffers, Options},
        networks::network,
        optim::Optimizer,
        plan::{Arenas, Plan},
        preprocessing::Preprocessing,
        program::Mode,
        selection::Choices,
    };
    use std::sync::{Arc, Mutex, atomic::Ordering};

    #[test]
    fn a_plan_is_compiled_before_its_first_step_and_nothing_has_run() {
        let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
        let context = pollster::block_on(Context::open(&Options { adapter, ..Options::default() }))
            .expect("there is one");
        let reported = Arc::new(Mutex::new(Vec::new()));
        let hears = reported.clone();
        context.hear(move |what| hears.lock().expect("not poisoned").push(format!("{what:?}")));
        let model = network("mlp", [4, 4, 1], 3).expect("built in");
        let program =
            model.program(&Preprocessing::default(), Mode::Train, 4, 1, &Optimizer::default()).expect("fits");
        let arenas = Arenas::new(&context, &program.parameters, 1).expect("fits");
        context.write(&arenas.parameters, &vec![1f32; arenas.parameters.len]);
        let plan = pollster::block_on(Plan::compile(&context, program, &arenas, &Choices::default()));
        let plan = plan.expect("compiles");
        // Drivers that compile at the first dispatch have done so.
        assert!(plan.steps.iter().all(|step| step.launch.kernel.warm.load(Ordering::Relaxed)));
        let kept = pollster::block_on(context.read(&arenas.parameters)).expect("reads");
        assert!(kept.iter().all(|v| *v == 1.0), "a kernel has run");
        let reported = reported.lock().expect("not poisoned");
        let of = reported.len() - 1;
        assert!(of >= 6 && reported[of] == "Ready", "{reported:?}");
        for (n, reported) in reported[..of].iter().enumerate() {
            assert!(reported.contains(&format!("nth: {}, of: {of}", n + 1)), "{reported}");
        }
        // Now the kernels do run.
        let feed = FeedBuffers::new(&context, 4, (16, 1), 1).expect("fits");
        let step = crate::feed::Step { rows: 4, learning_rate: 1.0, ..Default::default() };
        let batch = crate::feed::Batch { images: vec![200; 64], labels: vec![0, 1, 2, 0] };
        feed.upload(&context, &batch, &[step]);
        let submission = context.submit_with(|pass| plan.record(pass, &feed, 0));
        pollster::block_on(context.wait(submission)).expect("runs");
        let moved = pollster::block_on(context.read(&arenas.parameters)).expect("reads");
        assert_ne!(moved, kept);
    }
}
