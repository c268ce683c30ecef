//! XChaCha20-Poly1305 with a random nonce: 192 bits make that safe.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use crate::{Error, kek::KEY};

/// Length of a nonce in bytes.
pub(crate) const NONCE: usize = 24;

/// Gives the nonce, and the ciphertext with its tag.
pub(crate) fn seal(
    key: &[u8; KEY],
    associated: &[u8],
    plaintext: &[u8],
) -> Result<([u8; NONCE], Vec<u8>), Error> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(|_| Error::Random)?;
    let payload = Payload { msg: plaintext, aad: associated };
    let ciphertext = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| Error::Sealed)?;
    Ok((nonce, ciphertext))
}

pub(crate) fn open(
    key: &[u8; KEY],
    associated: &[u8],
    nonce: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| Error::Sealed)?;
    let payload = Payload { msg: ciphertext, aad: associated };
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| Error::Sealed)
}
