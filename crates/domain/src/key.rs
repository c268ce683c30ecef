//! The text form of API keys: `pb_live_<30 base62><6 base62 of CRC-32>`.
//!
//! The checksum lets a typo or a made-up key be refused without a look-up; it proves nothing.

use secrecy::{ExposeSecret, SecretString};

const PREFIX: &str = "pb_live_";
const RANDOM: usize = 30;
const CHECKSUM: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Makes a key from random bytes (one byte per character; values of 248 and above are skipped so that no letter is likelier).
/// Returns `None` when too few usable bytes were given: 64 bytes are always enough in practice.
pub fn format_key(random: &[u8]) -> Option<SecretString> {
    let body: String = random
        .iter()
        .filter(|byte| **byte < 248)
        .take(RANDOM)
        .map(|byte| char::from(ALPHABET[usize::from(byte % 62)]))
        .collect();
    (body.len() == RANDOM).then(|| format!("{PREFIX}{body}{}", checksum(&body)).into())
}

/// True if the text has the shape of a key and its checksum fits.
pub fn is_well_formed(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(PREFIX) else { return false };
    if rest.len() != RANDOM + CHECKSUM || !rest.is_ascii() {
        return false;
    }
    let (body, sum) = rest.split_at(RANDOM);
    checksum(body) == sum
}

/// What may be shown of a key after its creation: prefix and last four characters.
pub fn display_parts(key: &SecretString) -> (String, String) {
    let text = key.expose_secret();
    let head = text.get(..PREFIX.len() + 4).unwrap_or_default();
    let tail = text.get(text.len().saturating_sub(4)..).unwrap_or_default();
    (head.to_owned(), tail.to_owned())
}

fn checksum(body: &str) -> String {
    let mut value = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(value % 62) as usize];
        value /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_key_is_well_formed_and_a_changed_one_is_not() {
        let key = format_key(&(0..64).collect::<Vec<u8>>()).expect("enough bytes");
        let text = key.expose_secret();
        assert!(is_well_formed(text));
        assert!(!is_well_formed(&text.replacen('1', "2", 1)));
        assert!(!is_well_formed("pb_live_short"));
        assert!(!is_well_formed("sk_live_nothing"));
    }
}
