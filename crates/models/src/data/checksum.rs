//! Whether bytes are those that were published.

use sha2::{Digest, Sha256};

use super::data_set::Published;

/// The SHA-256 of `bytes` in lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

impl Published {
    /// Says how `bytes` differ from the published ones, if they do.
    pub(super) fn verify(&self, bytes: &[u8]) -> Result<(), String> {
        if bytes.len() as u64 != self.size {
            return Err(format!("{} bytes, expected {}", bytes.len(), self.size));
        }
        let sum = sha256(bytes);
        if sum != self.sha256 {
            return Err(format!("SHA-256 {sum}, expected {}", self.sha256));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_the_standard_and_what_differs() {
        // the example of FIPS 180-2
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), abc);
        let published = Published {
            name: "abc",
            size: 3,
            sha256: abc,
        };
        assert_eq!(published.verify(b"abc"), Ok(()));
        assert_eq!(
            published.verify(b"ab"),
            Err("2 bytes, expected 3".to_string())
        );
        let abd = "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9";
        assert_eq!(
            published.verify(b"abd"),
            Err(format!("SHA-256 {abd}, expected {abc}"))
        );
    }
}
