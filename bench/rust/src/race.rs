//! Lanes in turns, in slices of this process's CPU time: what disturbs the machine disturbs all of them.

/// One thing that is measured.
pub struct Lane<'a> {
    pub name: &'static str,
    /// Processes so many records.
    body: Box<dyn FnMut(usize) + 'a>,
    count: usize,
    samples: Vec<f64>,
}

/// Lanes against each other.
#[derive(Default)]
pub struct Race<'a> {
    lanes: Vec<Lane<'a>>,
}

const SLICE_NS: u64 = 8_000_000;

impl<'a> Race<'a> {
    pub fn lane(mut self, name: &'static str, body: impl FnMut(usize) + 'a) -> Self {
        self.lanes.push(Lane { name, body: Box::new(body), count: 500, samples: Vec::new() });
        self
    }

    pub fn run(mut self, rounds: usize) -> Self {
        for round in 0..rounds + 8 {
            let lanes = self.lanes.len();
            for i in 0..lanes {
                let lane = &mut self.lanes[(i + round) % lanes];
                let before = cpu_ns();
                (lane.body)(lane.count);
                let time = (cpu_ns() - before).max(1);
                if round >= 8 {
                    lane.samples.push(time as f64 / lane.count as f64);
                }
                let wanted = lane.count as u64 * SLICE_NS / time;
                lane.count = (wanted as usize).clamp(500, 4 * lane.count).next_multiple_of(500);
            }
        }
        self
    }

    /// Median, in nanoseconds a record.
    pub fn ns(&self, name: &str) -> f64 {
        self.at(name, 0.5)
    }

    pub fn at(&self, name: &str, quantile: f64) -> f64 {
        let Some(lane) = self.lanes.iter().find(|lane| lane.name == name) else { return f64::NAN };
        let mut sorted = lane.samples.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(quantile * (sorted.len() - 1) as f64).round() as usize]
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<'_, 'a> {
        self.lanes.iter().map(|lane| lane.name)
    }
}

fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid place for the time of this thread.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
