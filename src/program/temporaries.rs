//! Assignment of a program's temporaries to shared buffers, by lifetime. It knows no device, so that the memory of a
//! network can be computed without one.

use super::{Home, Program};

/// Buffers that the temporaries of a program share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Temporaries {
    /// Index of each value's buffer; `usize::MAX` for values that are stored elsewhere.
    pub buffer_of: Vec<usize>,
    /// Elements of each buffer.
    pub lens: Vec<usize>,
}

impl Temporaries {
    /// Bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        4 * self.lens.iter().map(|len| *len as u64).sum::<u64>()
    }
}

impl Program {
    /// Assigns each temporary to a shared buffer. Two values share one only if no dispatch needs both.
    pub fn temporaries(&self) -> Temporaries {
        let last = self.last_uses();
        let mut buffer_of = vec![usize::MAX; self.values.len()];
        let mut lens: Vec<usize> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        for (n, node) in self.nodes.iter().enumerate() {
            for (_, id) in &node.buffers {
                let value = &self.values[id.0];
                if value.home != Home::Temporary || buffer_of[id.0] != usize::MAX {
                    continue;
                }
                let len = value.len();
                // The smallest free buffer that holds it, else the largest, which grows.
                let fitting = free.iter().copied().filter(|b| lens[*b] >= len).min_by_key(|b| lens[*b]);
                let chosen = fitting.or_else(|| free.iter().copied().max_by_key(|b| lens[*b]));
                let buffer = chosen.unwrap_or_else(|| {
                    lens.push(len);
                    lens.len() - 1
                });
                lens[buffer] = lens[buffer].max(len);
                free.retain(|b| *b != buffer);
                buffer_of[id.0] = buffer;
            }
            for (_, id) in &node.buffers {
                let buffer = buffer_of[id.0];
                if buffer != usize::MAX && last[id.0] == n && !free.contains(&buffer) {
                    free.push(buffer);
                }
            }
        }
        Temporaries { buffer_of, lens }
    }

    /// The last dispatch that needs each value; the output and the kept values are needed after all of them.
    fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![0; self.values.len()];
        for (n, node) in self.nodes.iter().enumerate() {
            for (_, value) in &node.buffers {
                last[value.0] = n;
            }
        }
        for value in self.kept.iter().chain([&self.output]) {
            last[value.0] = self.nodes.len();
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        networks::{NETWORKS, network},
        optim::Optimizer,
        preprocessing::Preprocessing,
        program::{Home, Mode},
    };

    #[test]
    fn values_that_live_at_once_do_not_share() {
        let mut pairs = 0;
        for (name, _) in NETWORKS {
            let model = network(name, [28, 28, 1], 10).expect("built in");
            for mode in [Mode::Train, Mode::Evaluate, Mode::Predict] {
                let program = model
                    .program(&Preprocessing::default(), mode, 8, 4, &Optimizer::default())
                    .expect("fits");
                let temporaries = program.temporaries();
                let last = program.last_uses();
                let first = |v: usize| {
                    program.nodes.iter().position(|node| node.buffers.iter().any(|(_, id)| id.0 == v))
                };
                let values: Vec<_> = (0..program.values.len())
                    .filter(|v| program.values[*v].home == Home::Temporary)
                    .filter_map(|v| Some((v, first(v)?)))
                    .collect();
                for (a, first_a) in &values {
                    let (buffer, len) = (temporaries.buffer_of[*a], program.values[*a].len());
                    assert!(len <= temporaries.lens[buffer], "{name}: a buffer is too short");
                    for (b, first_b) in values.iter().filter(|(b, _)| b > a) {
                        let both_live = *first_a <= last[*b] && *first_b <= last[*a];
                        pairs += usize::from(both_live);
                        assert!(
                            !both_live || temporaries.buffer_of[*b] != buffer,
                            "{name}: {} and {} share a buffer",
                            program.values[*a].name,
                            program.values[*b].name
                        );
                    }
                }
                let alone: u64 = values.iter().map(|(v, _)| 4 * program.values[*v].len() as u64).sum();
                assert!(temporaries.bytes() <= alone);
            }
        }
        assert!(pairs > 50, "{pairs} pairs were looked at");
    }
}
