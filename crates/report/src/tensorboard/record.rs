//! The TFRecord format. Each record is its length (u64, little-endian), a checksum of the length, its bytes, and a
//! checksum of the bytes. The checksum is CRC-32C, rotated by 15 bits plus a constant, so that checksums within the
//! data do no harm.

use crc::{CRC_32_ISCSI, Crc};
use std::io::{self, Write};

const CASTAGNOLI: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
const MASK: u32 = 0xa282_ead8;

/// Returns the checksum as stored in a file.
fn masked(bytes: &[u8]) -> u32 {
    CASTAGNOLI.checksum(bytes).rotate_right(15).wrapping_add(MASK)
}

/// Writes one record with a single call, so that a file ends with a whole record unless the machine fails.
///
/// # Errors
/// I/O errors of the file.
pub fn write(file: &mut impl Write, data: &[u8]) -> io::Result<()> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend_from_slice(&length);
    record.extend_from_slice(&masked(&length).to_le_bytes());
    record.extend_from_slice(data);
    record.extend_from_slice(&masked(data).to_le_bytes());
    file.write_all(&record)
}

/// Returns the good records at the start of a file, and a description of the damage behind them, if any: a wrong
/// checksum, or an end within a record, as a crash leaves it.
pub fn read(mut bytes: &[u8]) -> (Vec<&[u8]>, Option<String>) {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        match first(bytes) {
            Ok((record, rest)) => {
                records.push(record);
                bytes = rest;
            }
            Err(what) => return (records, Some(what)),
        }
    }
    (records, None)
}

fn first(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let ends = || format!("ends within a record: {} bytes are left", bytes.len());
    let (head, rest) = bytes.split_at_checked(12).ok_or_else(ends)?;
    let (length, sum) = head.split_at(8);
    checked("length", length, sum)?;
    let length = length.try_into().map(u64::from_le_bytes).map_err(|_| ends())?;
    let length = usize::try_from(length).map_err(|_| ends())?;
    let (data, rest) = rest.split_at_checked(length).ok_or_else(ends)?;
    let (sum, rest) = rest.split_at_checked(4).ok_or_else(ends)?;
    checked("data", data, sum)?;
    Ok((data, rest))
}

fn checked(what: &str, bytes: &[u8], sum: &[u8]) -> Result<(), String> {
    let (got, expected) = (sum, masked(bytes).to_le_bytes());
    if got == expected {
        Ok(())
    } else {
        Err(format!("the checksum of a {what} is {got:02x?}, expected {expected:02x?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{CASTAGNOLI, masked, read, write};

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, appendix B.4.
        assert_eq!(CASTAGNOLI.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(CASTAGNOLI.checksum(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(CASTAGNOLI.checksum(b"123456789"), 0xe306_9283);
        // (crc >> 15 | crc << 17) + 0xa282ead8 of the last.
        assert_eq!(masked(b"123456789"), 0xc78a_b0e5);
    }

    #[test]
    fn records_come_back_and_damage_is_seen() {
        let mut file = Vec::new();
        for record in [&b"one"[..], b"", b"three"] {
            write(&mut file, record).expect("memory");
        }
        assert_eq!(read(&file), (vec![&b"one"[..], b"", b"three"], None));
        for cut in 1..16 {
            let (records, what) = read(&file[..file.len() - cut]);
            assert_eq!(records.len(), 2, "{cut}");
            assert!(what.expect("cut off").contains("ends within"));
        }
        for at in [3, 9, 13, 16] {
            let mut damaged = file.clone();
            damaged[at] ^= 4;
            let (records, what) = read(&damaged);
            assert!(records.is_empty() && what.expect("damaged").contains("checksum"), "{at}");
        }
    }
}
