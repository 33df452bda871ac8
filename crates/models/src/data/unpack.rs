//! The contents of a stream that may be gzipped, under a limit.

use std::io::{self, Read};

use flate2::read::GzDecoder;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why the contents of a stream cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    #[error("{0}")]
    Read(io::Error),
    #[error("a gzip stream that breaks off after {after} bytes ({source})")]
    Gzip { after: usize, source: io::Error },
    #[error("more than {limit} bytes")]
    TooLong { limit: u64 },
}

/// The contents of `stream`, unpacked if they begin as a gzip stream does, whatever its name is. No
/// more than `limit` bytes are kept, however well they were packed.
pub(super) fn unpack(mut stream: impl Read, limit: u64) -> Result<Vec<u8>, UnpackError> {
    let mut head = Vec::new();
    let mut bytes = Vec::new();
    (&mut stream)
        .take(GZIP_MAGIC.len() as u64)
        .read_to_end(&mut head)
        .map_err(UnpackError::Read)?;
    let packed = head == GZIP_MAGIC;
    let whole = head.as_slice().chain(stream);
    if packed {
        // packing never doubles; empty blocks without end are cut off here
        let decoder = GzDecoder::new(whole.take(limit.saturating_mul(2).saturating_add(1024)));
        let read = decoder.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|source| UnpackError::Gzip {
            after: bytes.len(),
            source,
        })?;
    } else {
        let read = whole.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(UnpackError::Read)?;
    }
    if bytes.len() as u64 > limit {
        return Err(UnpackError::TooLong { limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn message(stream: impl Read, limit: u64) -> String {
        unpack(stream, limit).unwrap_err().to_string()
    }

    #[test]
    fn plain_and_packed_up_to_the_limit() {
        for bytes in [&b""[..], b"\x1f", b"abc"] {
            assert_eq!(unpack(bytes, 3).unwrap(), bytes);
            assert_eq!(unpack(gzip(bytes).as_slice(), 3).unwrap(), bytes);
        }
        assert_eq!(message(&b"abcd"[..], 3), "more than 3 bytes");
        assert_eq!(message(gzip(b"abcd").as_slice(), 3), "more than 3 bytes");
        assert_eq!(message(io::repeat(7), 1000), "more than 1000 bytes");
        let bomb = gzip(&vec![0; 10_000_000]);
        assert_eq!(message(bomb.as_slice(), 1000), "more than 1000 bytes");
    }

    #[test]
    fn a_gzip_stream_that_does_not_end() {
        let whole = gzip(&[7; 100]);
        let early = message(&whole[..whole.len() - 5], 100);
        assert!(
            early.starts_with("a gzip stream that breaks off after 100 bytes"),
            "{early}"
        );
        // a header, then stored blocks of no bytes for ever
        let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        struct EmptyBlocks(usize);
        impl Read for EmptyBlocks {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                for byte in buffer.iter_mut() {
                    *byte = [0, 0, 0, 0xff, 0xff][self.0 % 5];
                    self.0 += 1;
                }
                Ok(buffer.len())
            }
        }
        let endless = message(header.chain(EmptyBlocks(0)), 100);
        assert!(endless.contains("breaks off after 0 bytes"), "{endless}");
    }
}
