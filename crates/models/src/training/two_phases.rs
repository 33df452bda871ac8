use burn::optim::{
    LearningRate,
    lr_scheduler::{LrScheduler, LrSchedulerRecord},
};

/// One learning rate for the first steps, another one for the rest.
#[derive(Debug, Clone)]
pub struct TwoPhases {
    first: LearningRate,
    rest: LearningRate,
    steps_of_first: usize,
    step: usize,
}

impl TwoPhases {
    /// `first` for `steps_of_first` steps, then `rest`.
    pub fn new(first: LearningRate, steps_of_first: usize, rest: LearningRate) -> Self {
        Self {
            first,
            rest,
            steps_of_first,
            step: 0,
        }
    }
}

impl LrScheduler for TwoPhases {
    fn step(&mut self) -> LearningRate {
        let rate = if self.step < self.steps_of_first {
            self.first
        } else {
            self.rest
        };
        self.step += 1;
        rate
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new().with_scalar("step", self.step as u64)
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        let step: Option<u64> = record.scalar("step");
        self.step = step.map_or(self.step, |step| step as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phase_survives_a_record() {
        let mut schedule = TwoPhases::new(0.1, 2, 0.5);
        assert_eq!([schedule.step(), schedule.step()], [0.1, 0.1]);
        let record = schedule.to_record();
        assert_eq!(schedule.step(), 0.5);

        let mut fresh = TwoPhases::new(0.1, 2, 0.5);
        fresh.load_record(record);
        assert_eq!(fresh.step(), 0.5);
    }
}
