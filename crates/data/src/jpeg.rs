//! Detection of incomplete JPEG files. The decoder silently fills missing parts with grey. This module therefore
//! walks the Huffman codes of every block, and reports a missing one. It does not decode the coefficients.

/// The message for a picture whose file ends too early.
pub(super) const CUT_OFF: &str = "a JPEG file that is cut off: it ends before its picture does";
/// Limits on a picture's pixels and scans; a picture beyond them is only checked for its end marker.
const PIXELS: usize = 1 << 28;
const PASSES: usize = 100;

/// The message for a picture with an invalid code.
const DAMAGED: &str =
    "a damaged JPEG file: a code in it is invalid, so the rest of its picture cannot be read";

/// Finds the next marker: the place of its 0xff, and the byte after it. Within a scan, 0xff precedes a zero or a
/// restart marker. Anywhere, a marker may be preceded by any number of 0xff bytes.
fn mark(bytes: &[u8], mut at: usize) -> Option<(usize, u8)> {
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match *bytes.get(at + 1)? {
            0xff => at += 1,
            0x00 | 0x01 => at += 2,
            mark => return Some((at, mark)),
        }
    }
}

/// The content of the segment whose marker is at `at`, and the place where it ends.
fn segment(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let length = bytes.get(at + 2..at + 4)?;
    let end = at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
    Some((bytes.get(at + 4..end)?, end))
}

/// True if a JPEG continues to its end marker. The function walks the segments, since pictures within one, such as
/// a small preview, have their own end markers.
pub(super) fn has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some((place, mark)) = mark(bytes, at) {
        at = match mark {
            0xd9 => return true,
            0xd0..=0xd8 => place + 2,
            _ => match segment(bytes, place) {
                Some((_, end)) => end,
                None => return false,
            },
        }
    }
    false
}

/// Describes why the picture is incomplete; `None` where it is complete. Files of a kind that this module cannot
/// walk, and that the decoder refuses itself, are only checked for their end marker. Takes 8 bytes for each block
/// of 8 × 8 coefficients of a progressive picture.
pub(super) fn fault(bytes: &[u8]) -> Option<&'static str> {
    walked(bytes).unwrap_or_else(|| (!has_end(bytes)).then_some(CUT_OFF))
}

/// Does the work of [`fault`]; `None` where this module cannot walk the file.
fn walked(bytes: &[u8]) -> Option<Option<&'static str>> {
    let mut frame = None;
    let (mut tables, mut restart, mut passes) = (Tables::default(), 0, 0);
    let mut at = 2;
    loop {
        let Some((place, mark)) = mark(bytes, at) else { return Some(Some(CUT_OFF)) };
        if (0xd0..=0xd8).contains(&mark) {
            at = place + 2;
            continue;
        }
        if mark == 0xd9 {
            let whole =
                frame.as_ref().is_none_or(|frame: &Frame| frame.components.iter().all(Component::reported));
            return Some((!whole).then_some(CUT_OFF));
        }
        let Some((content, end)) = segment(bytes, place) else { return Some(Some(CUT_OFF)) };
        at = end;
        match (mark, content) {
            (0xc0..=0xc2, content) if frame.is_none() => frame = Some(Frame::read(content, mark == 0xc2)?),
            (0xc4, content) => tables.read(content)?,
            // A second picture, or a lossless, arithmetic or hierarchical one.
            (0xc0..=0xcf, _) => return None,
            (0xdd, [high, low]) => restart = u32::from(u16::from_be_bytes([*high, *low])),
            (0xda, content) => {
                let frame = frame.as_mut().filter(|_| passes < PASSES)?;
                passes += 1;
                let scan = Scan::read(content, frame)?;
                let mut bits = Bits { bytes, at, buffer: 0, left: 0 };
                match scan.walk(frame, &tables, restart, &mut bits) {
                    Ok(()) => at = bits.at,
                    Err(Stop::Ended) => return Some(Some(CUT_OFF)),
                    Err(Stop::Meaningless) => return Some(Some(DAMAGED)),
                    Err(Stop::Unknown) => return None,
                }
            }
            _ => {}
        }
    }
}

/// The reason why a walk stops early.
enum Stop {
    /// The data ended before the picture did.
    Ended,
    /// A code is in no table.
    Meaningless,
    /// The scan needs a table that the file lacks.
    Unknown,
}

type Walked<T> = Result<T, Stop>;

/// The size of a picture, with its components.
struct Frame {
    progressive: bool,
    /// Largest number of blocks of any component in one unit (MCU), across and down.
    most: [usize; 2],
    /// Pixels, across and down.
    size: [usize; 2],
    components: Vec<Component>,
}

/// A colour component.
struct Component {
    id: u8,
    /// Blocks in one unit (MCU) of all components, across and down.
    blocks: [usize; 2],
    /// Blocks in one row of the component.
    stride: usize,
    /// Bit mask of the coefficients of each block that are known to be non-zero; kept where later scans need it.
    known: Vec<u64>,
    /// Lowest bit known so far of each coefficient of a block; 16 where none is.
    from: [u8; 64],
}

impl Component {
    /// True if the scans held every bit of it.
    fn reported(&self) -> bool {
        self.from.iter().all(|bit| *bit == 0)
    }
}

impl Frame {
    fn read(content: &[u8], progressive: bool) -> Option<Self> {
        let [_, h0, h1, w0, w1, count, rest @ ..] = content else { return None };
        let size = [[*w0, *w1], [*h0, *h1]].map(|pair| usize::from(u16::from_be_bytes(pair)));
        let own: Vec<&[u8]> = rest.chunks_exact(3).take(usize::from(*count)).collect();
        let blocks = |own: &[u8]| [usize::from(own[1] >> 4), usize::from(own[1] & 15)];
        let fine = |own: &&[u8]| blocks(own).iter().all(|n| (1..=4).contains(n));
        if size.contains(&0)
            || size[0] * size[1] > PIXELS
            || own.is_empty()
            || own.len() > 4
            || !own.iter().all(fine)
        {
            return None;
        }
        let most = [0, 1].map(|axis| own.iter().map(|own| blocks(own)[axis]).max().unwrap_or(1));
        let units = [0, 1].map(|axis: usize| size[axis].div_ceil(8 * most[axis]));
        let components = own.into_iter().map(|own| {
            let blocks = blocks(own);
            let stride = units[0] * blocks[0];
            let known = if progressive { vec![0; stride * units[1] * blocks[1]] } else { Vec::new() };
            Component { id: own[0], blocks, stride, known, from: [16; 64] }
        });
        Some(Self { progressive, most, size, components: components.collect() })
    }
}

/// One scan over some components.
struct Scan {
    /// Index of each component, with the indices of its two tables.
    of: Vec<(usize, [usize; 2])>,
    /// First and last coefficient of a block in this scan.
    numbers: [usize; 2],
    /// Lowest bit known from earlier scans (Ah in the standard); 0 where none is.
    before: u8,
    /// Lowest bit known after this scan (Al).
    behind: u8,
}

impl Scan {
    fn read(content: &[u8], frame: &Frame) -> Option<Self> {
        let (count, rest) = content.split_first()?;
        let (own, rest) = rest.split_at_checked(2 * usize::from(*count))?;
        let [first, last, bits, ..] = rest else { return None };
        let component = |own: &[u8]| {
            let number = frame.components.iter().position(|component| component.id == own[0])?;
            Some((number, [usize::from(own[1] >> 4) & 3, usize::from(own[1] & 3)]))
        };
        let of: Vec<_> = own.chunks_exact(2).map(component).collect::<Option<_>>()?;
        let (numbers, before, behind) = match frame.progressive {
            true => ([usize::from(*first), usize::from(*last)], bits >> 4, bits & 15),
            false => ([0, 63], 0, 0),
        };
        let fine = !of.is_empty() && numbers[0] <= numbers[1] && numbers[1] < 64;
        let fine = fine && (of.len() == 1 || !frame.progressive || numbers == [0, 0]);
        fine.then_some(Self { of, numbers, before, behind })
    }

    /// Walks the codes of every block of the scan.
    fn walk(&self, frame: &mut Frame, tables: &Tables, restart: u32, bits: &mut Bits<'_>) -> Walked<()> {
        let alone = self.of.len() == 1;
        let units = match &self.of[..] {
            [(n, _)] => [0, 1].map(|axis: usize| {
                let own = frame.components[*n].blocks[axis];
                (frame.size[axis] * own).div_ceil(frame.most[axis]).div_ceil(8)
            }),
            _ => [0, 1].map(|axis: usize| frame.size[axis].div_ceil(8 * frame.most[axis])),
        };
        let (mut run, mut since) = (0, 0);
        for y in 0..units[1] {
            for x in 0..units[0] {
                if restart > 0 && since == restart {
                    bits.restart()?;
                    (run, since) = (0, 0);
                }
                since += 1;
                for (n, table) in &self.of {
                    let component = &mut frame.components[*n];
                    let [across, down] = if alone { [1, 1] } else { component.blocks };
                    for block in 0..across * down {
                        let column = x * across + block % across;
                        let row = y * down + block / across;
                        let known = component.known.get_mut(row * component.stride + column);
                        self.block(tables, *table, bits, &mut run, known)?;
                    }
                }
            }
        }
        for (n, _) in &self.of {
            frame.components[*n].from[self.numbers[0]..=self.numbers[1]].fill(self.behind);
        }
        bits.left = 0;
        Ok(())
    }

    /// Walks one block; `run` counts the following blocks that hold nothing new.
    fn block(
        &self,
        tables: &Tables,
        [first, rest]: [usize; 2],
        bits: &mut Bits<'_>,
        run: &mut u32,
        known: Option<&mut u64>,
    ) -> Walked<()> {
        let [mut k, last] = self.numbers;
        if k == 0 {
            match self.before {
                0 => {
                    let size = bits.code(tables.of(0, first)?)?;
                    bits.take(Some(u32::from(size)).filter(|size| *size <= 16).ok_or(Stop::Meaningless)?)?;
                }
                _ => {
                    bits.take(1)?;
                }
            }
            k = 1;
        }
        if k > last {
            return Ok(());
        }
        let table = tables.of(1, rest)?;
        let mut none = 0;
        let known = known.unwrap_or(&mut none);
        if self.before > 0 {
            return refine(table, bits, run, known, k..=last);
        }
        if *run > 0 {
            *run -= 1;
            return Ok(());
        }
        while k <= last {
            let code = bits.code(table)?;
            match (code >> 4, code & 15) {
                (15, 0) => k += 16,
                (size, 0) => {
                    *run = (1 << size) - 1 + bits.take(u32::from(size))?;
                    break;
                }
                (zeros, size) => {
                    k += usize::from(zeros);
                    bits.take(u32::from(size))?;
                    *known |= 1u64.checked_shl(k as u32).unwrap_or(0);
                    k += 1;
                }
            }
        }
        Ok(())
    }
}

/// Walks one more bit of each coefficient of a block in the range `numbers`. The bits of non-zero coefficients lie
/// between the codes.
fn refine(
    table: &Table,
    bits: &mut Bits<'_>,
    run: &mut u32,
    known: &mut u64,
    numbers: std::ops::RangeInclusive<usize>,
) -> Walked<()> {
    let (mut k, last) = (*numbers.start(), *numbers.end());
    while *run == 0 && k <= last {
        let code = bits.code(table)?;
        let (mut zeros, new) = (code >> 4, code & 15 != 0);
        if new {
            bits.take(1)?;
        } else if zeros < 15 {
            *run = (1 << zeros) + bits.take(u32::from(zeros))?;
            break;
        }
        while k <= last {
            if *known >> k & 1 == 1 {
                bits.take(1)?;
            } else if zeros == 0 {
                break;
            } else {
                zeros -= 1;
            }
            k += 1;
        }
        if new && k <= last {
            *known |= 1 << k;
        }
        k += 1;
    }
    if *run > 0 {
        for k in k..=last {
            bits.take((*known >> k & 1) as u32)?;
        }
        *run -= 1;
    }
    Ok(())
}

/// Huffman tables: for the first coefficient of a block (DC), and for the others (AC).
#[derive(Default)]
struct Tables([[Option<Table>; 4]; 2]);

impl Tables {
    fn of(&self, class: usize, number: usize) -> Walked<&Table> {
        self.0[class][number].as_ref().ok_or(Stop::Unknown)
    }

    /// Reads a segment of tables; `None` where it is malformed.
    fn read(&mut self, mut content: &[u8]) -> Option<()> {
        while let [which, rest @ ..] = content {
            let (lengths, rest) = rest.split_at_checked(16)?;
            let count = lengths.iter().map(|n| usize::from(*n)).sum();
            let (values, rest) = rest.split_at_checked(count)?;
            let place = self.0.get_mut(usize::from(which >> 4))?.get_mut(usize::from(which & 15))?;
            *place = Some(Table::new(lengths, values)?);
            content = rest;
        }
        Some(())
    }
}

/// Number of bits that one look-up resolves.
const LOOKED_UP: u32 = 9;

/// Huffman codes of 1 to 16 bits.
struct Table {
    /// Length and value of the code, by the next [`LOOKED_UP`] bits; length 0 where the code is longer.
    short: Vec<(u8, u8)>,
    /// By code length, as numbers of 16 bits: the end of its codes, the first of them, and the index of that one's
    /// value.
    long: [(u32, u32, usize); 17],
    values: Vec<u8>,
}

impl Table {
    fn new(lengths: &[u8], values: &[u8]) -> Option<Self> {
        let mut short = vec![(0, 0); 1 << LOOKED_UP];
        let mut long = [(0, 0, 0); 17];
        let (mut code, mut place) = (0u32, 0);
        for (length, count) in (1u32..).zip(lengths) {
            let first = code << (16 - length);
            for value in values.get(place..place + usize::from(*count))? {
                let [from, to] = [code, code + 1].map(|code| (code << (16 - length)) as usize);
                if length <= LOOKED_UP {
                    let shift = 16 - LOOKED_UP;
                    short.get_mut(from >> shift..to >> shift)?.fill((length as u8, *value));
                }
                code += 1;
            }
            long[length as usize] = (code << (16 - length), first, place);
            place += usize::from(*count);
            code <<= 1;
        }
        Some(Self { short, long, values: values.to_vec() })
    }

    /// Length and value of the code at the beginning of 16 bits.
    fn find(&self, bits: u32) -> Option<(u32, u8)> {
        match self.short.get((bits >> (16 - LOOKED_UP)) as usize) {
            Some((length @ 1.., value)) => Some((u32::from(*length), *value)),
            _ => (1..=16).find_map(|length: u32| {
                let (end, first, place) = self.long[length as usize];
                let within =
                    (first..end).contains(&bits).then(|| ((bits - first) >> (16 - length)) as usize)?;
                Some((length, *self.values.get(place + within)?))
            }),
        }
    }
}

/// A reader of the bits between two markers.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The low `left` bits of the buffer are unread.
    buffer: u64,
    left: u32,
}

impl Bits<'_> {
    /// Fills the buffer until it is full or a marker follows.
    fn fill(&mut self) {
        while self.left <= 48 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xff, 0x00, ..]) => {
                    self.at += 1;
                    0xff
                }
                Some([0xff, ..] | []) | None => return,
                Some([byte, ..]) => *byte,
            };
            self.at += 1;
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.left += 8;
        }
    }

    /// Reads the next `count` bits, at most 16, as a number.
    fn take(&mut self, count: u32) -> Walked<u32> {
        if self.left < count {
            self.fill();
        }
        self.left = self.left.checked_sub(count).ok_or(Stop::Ended)?;
        Ok((self.buffer >> self.left) as u32 & ((1 << count) - 1))
    }

    /// Reads the next code and returns its value.
    fn code(&mut self, table: &Table) -> Walked<u8> {
        if self.left < 16 {
            self.fill();
        }
        // Zeros follow the end of the data, and no code may extend into them.
        let bits = match self.left {
            left @ 16.. => self.buffer >> (left - 16),
            left => self.buffer << (16 - left),
        };
        let found = table.find(bits as u32 & 0xffff);
        match found {
            Some((length, value)) if length <= self.left => {
                self.left -= length;
                Ok(value)
            }
            None if self.left >= 16 => Err(Stop::Meaningless),
            _ => Err(Stop::Ended),
        }
    }

    /// Continues after the next marker, which must be a restart marker.
    fn restart(&mut self) -> Walked<()> {
        (self.buffer, self.left) = (0, 0);
        match mark(self.bytes, self.at) {
            Some((place, 0xd0..=0xd7)) => {
                self.at = place + 2;
                Ok(())
            }
            _ => Err(Stop::Ended),
        }
    }
}
