//! Secrets that must be read back (webhook secrets, ingestion secrets) are encrypted at rest, each bound to the row it belongs to
//! (`operations.md`, Keys). The first key of the list seals, all open: put a new key in front, and keep the old one behind it.

use std::path::Path;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};

use super::mint::write_private;
use crate::{
    config::Settings,
    error::{Error, Result},
};

/// Bytes of a nonce; so many that random ones do not meet.
const NONCE: usize = 24;

/// Seals secrets, and opens them.
pub struct Seal {
    keys: Vec<(String, XChaCha20Poly1305)>,
}

impl Seal {
    /// With the keys of the settings; in development with one that is made up and kept beside the database.
    ///
    /// # Errors
    /// Which key is wrong.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let list = match &settings.encryption_key {
            Some(list) => match list.0.strip_prefix("file:") {
                Some(file) => std::fs::read_to_string(file).map_err(|e| format!("RELSUM_ENCRYPTION_KEY: {file}: {e}"))?,
                None => list.0.clone(),
            },
            None if settings.development() => made_up(settings)?,
            None => return Err("RELSUM_ENCRYPTION_KEY: production mode needs it (`relsum keys` makes one)".into()),
        };
        let keys = list
            .split(',')
            .map(str::trim)
            .enumerate()
            .map(|(index, text)| read(text).map_err(|why| format!("RELSUM_ENCRYPTION_KEY: key {}: {why}", index + 1)));
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// Seals a secret of the row `about`.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn seal(&self, about: &str, secret: &str) -> Result<String> {
        let (id, key) = self.keys.first().ok_or_else(|| Error::internal("no encryption key"))?;
        let nonce: [u8; NONCE] = random()?;
        let text = key.encrypt(&XNonce::from(nonce), Payload { msg: secret.as_bytes(), aad: about.as_bytes() });
        let mut sealed = nonce.to_vec();
        sealed.extend(text.map_err(|_| Error::internal("a secret could not be sealed"))?);
        Ok(format!("v1.{id}.{}", URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens a secret of the row `about`.
    ///
    /// # Errors
    /// A fault, when its key is not in the list any more, or it is not what was sealed.
    pub fn open(&self, about: &str, sealed: &str) -> Result<String> {
        let mut parts = sealed.split('.');
        let (Some("v1"), Some(id), Some(rest), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(Error::internal("not a sealed secret"));
        };
        let (_, key) = self.keys.iter().find(|(known, _)| known == id).ok_or_else(|| {
            Error::internal(format!("RELSUM_ENCRYPTION_KEY: the key {id} that sealed a secret of {about} is not in the list"))
        })?;
        let bytes = URL_SAFE_NO_PAD.decode(rest).map_err(Error::internal)?;
        let broken = || Error::internal(format!("the secret of {about} is not what was sealed"));
        let (nonce, text) = bytes.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        let opened = key.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: about.as_bytes() }).map_err(|_| broken())?;
        String::from_utf8(opened).map_err(|_| broken())
    }
}

fn random() -> Result<[u8; NONCE]> {
    let mut bytes = [0u8; NONCE];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

fn read(text: &str) -> Result<(String, XChaCha20Poly1305), String> {
    let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).map_err(|_| "must be base64")?;
    let key = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| "must have 32 bytes")?;
    let id = format!("{:x}", Sha256::digest(&bytes));
    Ok((id.chars().take(8).collect(), key))
}

/// A new key, as it is written.
///
/// # Errors
/// When the system gives no randomness.
pub fn fresh_key() -> Result<String, String> {
    let mut random = [0u8; 32];
    getrandom::fill(&mut random).map_err(|e| e.to_string())?;
    Ok(STANDARD.encode(random))
}

/// A new secret for a webhook, in or out, as Standard Webhooks writes them; GitHub takes it as the text that it is.
///
/// # Errors
/// When the system gives no randomness.
pub fn webhook_secret() -> Result<String> {
    Ok(format!("whsec_{}", fresh_key().map_err(Error::internal)?))
}

/// The key of development: made up once, beside the database.
fn made_up(settings: &Settings) -> Result<String, String> {
    let folder = settings.database_file().and_then(|f| f.parent().map(Path::to_path_buf)).unwrap_or_else(|| "data".into());
    let file = folder.join("encryption-key");
    if let Ok(key) = std::fs::read_to_string(&file) {
        return Ok(key.trim().to_owned());
    }
    let key = fresh_key()?;
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    write_private(&file, key.as_bytes()).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn seal(keys: &str) -> Seal {
        Seal::new(&Settings { encryption_key: Some(Secret(keys.into())), ..Settings::default() }).unwrap()
    }

    #[test]
    fn a_secret_opens_with_its_key_in_its_row_alone() {
        let (a, b) = (STANDARD.encode([1u8; 32]), STANDARD.encode([2u8; 32]));
        let old = seal(&a);
        let sealed = old.seal("source/1", "a secret").unwrap();
        assert!(!sealed.contains("secret"));
        assert_ne!(sealed, old.seal("source/1", "a secret").unwrap());
        assert_eq!(old.open("source/1", &sealed).unwrap(), "a secret");
        // Rotated: the new key seals, the old one still opens.
        let both = seal(&format!("{b}, {a}"));
        assert_eq!(both.open("source/1", &sealed).unwrap(), "a secret");
        assert_ne!(both.seal("source/1", "x").unwrap().split('.').nth(1), sealed.split('.').nth(1));
        assert!(both.open("source/2", &sealed).is_err(), "it was moved to another row");
        assert!(seal(&b).open("source/1", &sealed).is_err());
        assert!(old.open("source/1", &sealed[..sealed.len() - 2]).is_err());
        assert!(old.open("source/1", "v1.x").is_err());
    }

    #[test]
    fn keys_have_32_bytes() {
        for wrong in ["", "short", "AAAA", "not base64!"] {
            assert!(Seal::new(&Settings { encryption_key: Some(Secret(wrong.into())), ..Settings::default() }).is_err(), "{wrong}");
        }
    }
}
