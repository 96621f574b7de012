//! Renumbering of labels to match the classes of a network.

use super::dataset::Dataset;
use crate::{Error, Result};
use std::collections::BTreeMap;

impl Dataset {
    /// Renumbers the labels to match the classes of a network, by name: data with a subset of the classes, or with
    /// additional ones, number them differently. If no name is one of the network's, or names repeat, nothing changes,
    /// and the numbers alone count.
    ///
    /// # Errors
    /// [`Error::DataFit`] if some of the names are the network's, and others are not.
    pub fn with_classes(mut self, classes: &[String]) -> Result<Self> {
        let places: BTreeMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
        let found: Vec<Option<u32>> =
            self.classes.iter().map(|class| places.get(class.as_str()).copied()).collect();
        let same = self.classes == classes || places.len() < classes.len();
        if same || self.input.numbers || found.iter().all(Option::is_none) {
            return Ok(self);
        }
        let new = self.classes.iter().zip(&found).filter(|(_, found)| found.is_none());
        let new: Vec<&str> = new.map(|(class, _)| class.as_str()).take(5).collect();
        if !new.is_empty() {
            return Err(Error::DataFit {
                model: "the network".into(),
                data: self.name,
                expected: format!("the classes that it predicts: {}", classes.join(", ")),
                got: format!("{} as well", new.join(", ")),
            });
        }
        for split in
            [Some(&mut self.train), self.validation.as_mut(), Some(&mut self.test)].into_iter().flatten()
        {
            let number = |label: &u32| found.get(*label as usize).copied().flatten().unwrap_or(*label);
            split.labels = split.labels.iter().map(number).collect();
        }
        self.classes = classes.to_vec();
        Ok(self)
    }
}
