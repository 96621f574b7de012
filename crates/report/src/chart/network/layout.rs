//! Layout of the boxes of a graph: rows by the longest path from the input, lanes for edges that pass rows, an order
//! within each row with few crossings, and positions along it (Sugiyama, Tagawa and Toda 1981; Gansner et al. 1993).

/// Target number of rows per column if there are several columns.
const ROWS: usize = 15;
/// Rounds of ordering and of placing.
const ROUNDS: usize = 24;

/// Position of a box or a lane; `x` is its middle, pixels from the left of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub column: usize,
    pub row: usize,
    pub x: i32,
}

/// Rows of a column, and its width in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub rows: usize,
    pub width: i32,
}

/// A graph with positions.
#[derive(Debug)]
pub(super) struct Layout {
    /// Position of every box.
    pub places: Vec<Place>,
    /// Positions that each edge passes, from box to box.
    pub edges: Vec<Vec<Place>>,
    pub columns: Vec<Column>,
}

/// A box, or the point where an edge passes a row.
struct Stop {
    rank: usize,
    lane: bool,
    up: Vec<usize>,
    down: Vec<usize>,
}

/// The graph with a stop in every row that an edge passes.
struct Ranked {
    stops: Vec<Stop>,
    edges: Vec<Vec<usize>>,
    rows: Vec<Vec<usize>>,
}

impl Ranked {
    fn new(sources: &[Vec<usize>]) -> Self {
        let mut ranks: Vec<usize> = Vec::new();
        for from in sources {
            ranks.push(from.iter().map(|n| ranks[*n] + 1).max().unwrap_or(0));
        }
        let stop = |rank, lane| Stop { rank, lane, up: Vec::new(), down: Vec::new() };
        let mut stops: Vec<Stop> = ranks.iter().map(|rank| stop(*rank, false)).collect();
        let mut edges = Vec::new();
        for (to, from) in sources.iter().enumerate() {
            for from in from {
                let mut way = vec![*from];
                for rank in ranks[*from] + 1..ranks[to] {
                    way.push(stops.len());
                    stops.push(stop(rank, true));
                }
                way.push(to);
                for pair in way.windows(2) {
                    stops[pair[0]].down.push(pair[1]);
                    stops[pair[1]].up.push(pair[0]);
                }
                edges.push(way);
            }
        }
        let mut rows = vec![Vec::new(); ranks.iter().max().map_or(0, |most| most + 1)];
        for (n, stop) in stops.iter().enumerate() {
            rows[stop.rank].push(n);
        }
        Self { stops, edges, rows }
    }

    /// Counts the crossings of edges between rows, for an order.
    fn crossings(&self, rows: &[Vec<usize>]) -> usize {
        let mut at = vec![0; self.stops.len()];
        rows.iter().flat_map(|row| row.iter().enumerate()).for_each(|(n, stop)| at[*stop] = n);
        let between = |row: &Vec<usize>| {
            let ends: Vec<(usize, usize)> =
                row.iter().flat_map(|s| self.stops[*s].down.iter().map(|d| (at[*s], at[*d]))).collect();
            let crossed = |n: usize, a: &(usize, usize)| {
                ends[n + 1..].iter().filter(|b| (a.0 < b.0 && a.1 > b.1) || (a.0 > b.0 && a.1 < b.1)).count()
            };
            ends.iter().enumerate().map(|(n, a)| crossed(n, a)).sum::<usize>()
        };
        rows.iter().map(between).sum()
    }

    /// Orders every row by the mean position of its neighbours above and below in turn, and keeps the order with the
    /// fewest crossings.
    fn order(&mut self) {
        let mut best = (self.crossings(&self.rows), self.rows.clone());
        let mut rows = self.rows.clone();
        for round in 0..ROUNDS {
            let downwards = round % 2 == 0;
            let count = rows.len();
            for n in 0..count {
                let n = if downwards { n } else { count - 1 - n };
                let mut at = vec![0.0; self.stops.len()];
                rows.iter().flat_map(|r| r.iter().enumerate()).for_each(|(k, s)| at[*s] = k as f64);
                let middle = |stop: &usize| {
                    let near = if downwards { &self.stops[*stop].up } else { &self.stops[*stop].down };
                    match near.is_empty() {
                        true => at[*stop],
                        false => near.iter().map(|s| at[*s]).sum::<f64>() / near.len() as f64,
                    }
                };
                let mut keyed: Vec<(f64, usize)> = rows[n].iter().map(|s| (middle(s), *s)).collect();
                keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
                rows[n] = keyed.into_iter().map(|(_, s)| s).collect();
            }
            let crossings = self.crossings(&rows);
            if crossings < best.0 {
                best = (crossings, rows.clone());
            }
        }
        self.rows = best.1;
    }

    /// Returns where a column may end: after a row of one stop with a single edge, to a next row of one stop.
    fn cuts(&self) -> Vec<usize> {
        let single = |n: usize| match self.rows[n][..] {
            [stop] => {
                self.stops[stop].down.len() == 1 && self.rows.get(n + 1).is_some_and(|row| row.len() == 1)
            }
            _ => false,
        };
        (0..self.rows.len().saturating_sub(1)).filter(|n| single(*n)).map(|n| n + 1).collect()
    }

    /// Returns the first row of every column, for the cuts that give the most equal columns.
    fn columns(&self) -> Vec<usize> {
        let rows = self.rows.len();
        let wanted = rows.div_ceil(rows.div_ceil(ROWS).max(1));
        let mut ends: Vec<usize> = vec![0];
        ends.extend(self.cuts());
        ends.push(rows);
        // For each end: the least sum of squares up to it, and the previous end of that solution.
        let mut best: Vec<(usize, usize)> = vec![(0, 0)];
        for to in 1..ends.len() {
            let cost = |from: usize| best[from].0 + (ends[to] - ends[from]).abs_diff(wanted).pow(2);
            best.push((0..to).map(|from| (cost(from), from)).min().unwrap_or((0, 0)));
        }
        let (mut starts, mut at) = (Vec::new(), ends.len() - 1);
        while at > 0 {
            at = best[at].1;
            starts.push(ends[at]);
        }
        starts.reverse();
        starts
    }

    /// Returns the middle of every stop: iteratively as close to the mean of its neighbours as its row allows.
    fn place(&self, wide: i32, beside: i32, lane: i32) -> Vec<f64> {
        let half = |stop: usize| f64::from(if self.stops[stop].lane { lane } else { wide }) / 2.0;
        let apart = |a: usize, b: usize| {
            let gap = if self.stops[a].lane && self.stops[b].lane { 0 } else { beside };
            half(a) + half(b) + f64::from(gap)
        };
        let mut x = vec![0.0; self.stops.len()];
        for row in &self.rows {
            let mut at = 0.0;
            for pair in row.windows(2) {
                at += apart(pair[0], pair[1]);
                x[pair[1]] = at;
            }
            row.iter().for_each(|s| x[*s] -= at / 2.0);
        }
        for round in 0..=ROUNDS {
            // Downwards last: a box with one box above it ends up right below it.
            let downwards = round % 2 == 0;
            let mut order: Vec<&Vec<usize>> = self.rows.iter().collect();
            if !downwards {
                order.reverse();
            }
            for row in order {
                let wanted: Vec<(f64, f64)> = row.iter().map(|s| self.wanted(*s, &x, downwards)).collect();
                for (stop, at) in row.iter().zip(spread(row, &wanted, &apart)) {
                    x[*stop] = at;
                }
            }
        }
        x
    }

    /// Returns the preferred position of a stop, given those above or below it, and its weight. Boxes follow boxes, so
    /// that the edges around them bend instead. An edge goes straight on once it is next to the boxes.
    fn wanted(&self, stop: usize, x: &[f64], downwards: bool) -> (f64, f64) {
        let Stop { up, down, lane, .. } = &self.stops[stop];
        let near = if downwards { up } else { down };
        let boxes: Vec<usize> = near.iter().copied().filter(|s| !self.stops[*s].lane).collect();
        let chosen = if !lane && boxes.len() == 1 { &boxes[..] } else { &near[..] };
        if chosen.is_empty() {
            return (x[stop], 1.0);
        }
        let middle = chosen.iter().map(|s| x[*s]).sum::<f64>() / chosen.len() as f64;
        let weight = match (lane, boxes.is_empty()) {
            (false, _) => 1e5,
            (true, true) => 1e3,
            (true, false) => 1.0,
        };
        (middle, weight)
    }
}

/// Returns the positions closest to the wanted ones that keep the order and the distances of a row: neighbours that
/// would collide move as one (pooling of adjacent violators).
fn spread(row: &[usize], wanted: &[(f64, f64)], apart: &dyn Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut offsets = vec![0.0; row.len()];
    for n in 1..row.len() {
        offsets[n] = offsets[n - 1] + apart(row[n - 1], row[n]);
    }
    // For each block: the sum of its weights, the sum of weight times wanted position, its length.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (n, (at, weight)) in wanted.iter().enumerate() {
        blocks.push((*weight, weight * (at - offsets[n]), 1));
        while let [.., a, b] = blocks[..]
            && a.1 / a.0 > b.1 / b.0
        {
            blocks.truncate(blocks.len() - 2);
            blocks.push((a.0 + b.0, a.1 + b.1, a.2 + b.2));
        }
    }
    let bases = blocks.iter().flat_map(|(weight, sum, count)| std::iter::repeat_n(sum / weight, *count));
    bases.zip(offsets).map(|(base, offset)| base + offset).collect()
}

impl Layout {
    /// Lays out boxes that are `wide` pixels wide and at least `beside` apart. `sources` has for each box those whose
    /// outputs it takes, all of them before it. An edge that passes boxes gets a lane of `lane` pixels.
    pub fn new(sources: &[Vec<usize>], wide: i32, beside: i32, lane: i32) -> Self {
        let mut graph = Ranked::new(sources);
        graph.order();
        let x = graph.place(wide, beside, lane);
        let starts = graph.columns();
        let column_of = |rank: usize| starts.iter().rposition(|start| *start <= rank).unwrap_or(0);
        let half = |n: usize| f64::from(if graph.stops[n].lane { lane } else { wide }) / 2.0;
        let mut sides = vec![(f64::INFINITY, f64::NEG_INFINITY); starts.len()];
        let mut columns: Vec<Column> = starts.iter().map(|_| Column { rows: 0, width: 0 }).collect();
        for (n, stop) in graph.stops.iter().enumerate() {
            let column = column_of(stop.rank);
            let (left, right) = &mut sides[column];
            (*left, *right) = (left.min(x[n] - half(n)), right.max(x[n] + half(n)));
            columns[column].rows = columns[column].rows.max(stop.rank - starts[column] + 1);
        }
        for (column, (left, right)) in columns.iter_mut().zip(&sides) {
            column.width = (right - left).ceil() as i32;
        }
        let place = |n: usize| {
            let rank = graph.stops[n].rank;
            let column = column_of(rank);
            Place { column, row: rank - starts[column], x: (x[n] - sides[column].0).round() as i32 }
        };
        Self {
            places: (0..sources.len()).map(place).collect(),
            edges: graph.edges.iter().map(|way| way.iter().map(|n| place(*n)).collect()).collect(),
            columns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    /// Boxes 100 wide, 10 apart, lanes of 8.
    fn layout(sources: &[&[usize]]) -> Layout {
        let sources: Vec<Vec<usize>> = sources.iter().map(|from| from.to_vec()).collect();
        let layout = Layout::new(&sources, 100, 10, 8);
        // No overlapping boxes, no lane through a box, nothing outside its column.
        for (n, a) in layout.places.iter().enumerate() {
            let column = layout.columns[a.column];
            assert!(a.x >= 50 && a.x + 50 <= column.width && a.row < column.rows, "{layout:?}");
            for b in &layout.places[n + 1..] {
                let beside = (a.column, a.row) == (b.column, b.row);
                assert!(!beside || (a.x - b.x).abs() >= 109, "{a:?} and {b:?}");
            }
            for lane in layout.edges.iter().flat_map(|way| &way[1..way.len() - 1]) {
                let beside = (a.column, a.row) == (lane.column, lane.row);
                assert!(!beside || (a.x - lane.x).abs() >= 54, "{a:?} is crossed at {lane:?}");
            }
        }
        layout
    }

    #[test]
    fn a_stack_stands_in_a_line() {
        let layout = layout(&[&[], &[0], &[1], &[2]]);
        assert!(layout.places.iter().all(|place| place.x == 50), "{layout:?}");
        assert_eq!(layout.places.iter().map(|place| place.row).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(layout.columns.len(), 1);
    }

    #[test]
    fn a_way_round_bends_and_the_boxes_do_not() {
        let layout = layout(&[&[], &[0], &[1], &[2], &[1, 3], &[4]]);
        assert!(layout.places.iter().all(|place| place.x == layout.places[0].x), "{layout:?}");
        let round = layout.edges.iter().find(|way| way.len() == 4).expect("passes two boxes");
        assert_eq!(round[1].x, round[2].x, "straight");
    }

    #[test]
    fn branches_stand_side_by_side_without_a_crossing() {
        // Four branches as in an Inception block, named in an order that would cross.
        let layout = layout(&[&[], &[0], &[0], &[2], &[0], &[4], &[0], &[5, 1, 6, 3]]);
        assert_eq!(layout.places[1].row, 1);
        assert_eq!(layout.places[7].row, 3);
        let mut first: Vec<i32> = [1, 2, 4, 6].map(|n| layout.places[n].x).to_vec();
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 4);
        for way in &layout.edges {
            for other in &layout.edges {
                let pairs = way.windows(2).flat_map(|a| other.windows(2).map(move |b| (a, b)));
                for (a, b) in pairs.filter(|(a, b)| a[0].row == b[0].row) {
                    assert!((a[0].x - b[0].x) * (a[1].x - b[1].x) >= 0, "{a:?} crosses {b:?}");
                }
            }
        }
    }

    #[test]
    fn a_long_network_is_broken_where_one_edge_goes_on() {
        // Forty boxes, with a shortcut from the 13th to the 17th.
        let mut sources: Vec<Vec<usize>> =
            (0..40usize).map(|n| n.checked_sub(1).into_iter().collect()).collect();
        sources[17].push(13);
        let references: Vec<&[usize]> = sources.iter().map(Vec::as_slice).collect();
        let layout = layout(&references);
        assert!(
            layout.columns.len() >= 3 && layout.columns.iter().all(|column| column.rows <= 16),
            "{layout:?}"
        );
        assert_eq!(layout.places[13].column, layout.places[17].column, "the way round is in one column");
    }
}
