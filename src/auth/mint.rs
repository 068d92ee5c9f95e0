//! Our own tokens and keys: for development, and for a company without an identity provider (`relsum keys`, `relsum token`).

use std::path::Path;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{Actor, actor::role_name};
use crate::config::Settings;

/// What signs a token.
pub enum Signer {
    /// HS256 with the development secret.
    Secret(Vec<u8>),
    /// EdDSA with a private key in PEM, and its id.
    Key(Vec<u8>),
}

/// A token for an actor that lasts `seconds` from `now`.
///
/// # Errors
/// What is wrong with the key.
pub fn token(
    settings: &Settings,
    signer: &Signer,
    actor: &Actor,
    now: chrono::DateTime<chrono::Utc>,
    seconds: i64,
) -> Result<String, String> {
    let memberships: Vec<Value> = actor
        .memberships
        .iter()
        .map(|m| {
            let head = m.role == entity::enums::MemberRole::Head;
            json!({ "department": m.department, "role": if head { "HEAD" } else { "MEMBER" } })
        })
        .collect();
    let claims = json!({
        "iss": settings.jwt_issuer,
        "aud": settings.jwt_audience,
        "iat": now.timestamp(),
        "exp": now.timestamp() + seconds,
        "sub": actor.subject,
        "name": actor.name,
        "memberships": memberships,
        "roles": actor.roles.iter().map(|r| role_name(*r)).collect::<Vec<_>>(),
        "products": actor.products,
    });
    let (header, key) = match signer {
        Signer::Secret(secret) => (Header::new(Algorithm::HS256), EncodingKey::from_secret(secret)),
        Signer::Key(pem) => (Header::new(Algorithm::EdDSA), EncodingKey::from_ed_pem(pem).map_err(|e| format!("the key: {e}"))?),
    };
    encode(&header, &claims, &key).map_err(|e| e.to_string())
}

/// A new Ed25519 key pair: the private key as PKCS#8 PEM, the public one as a JWKS.
///
/// # Errors
/// When the system gives no randomness.
pub fn key_pair() -> Result<(String, String), String> {
    let mut seed = [0u8; 32];
    getrandom::fill(&mut seed).map_err(|e| e.to_string())?;
    let key = SigningKey::from_bytes(&seed);
    let pem = key.to_pkcs8_pem(Default::default()).map_err(|e| e.to_string())?;
    let public = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let kid = public.chars().take(12).collect::<String>();
    // No kid in our tokens' header is needed: a set of one key is tried as it is.
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": public }] });
    Ok((pem.to_string(), format!("{set:#}\n")))
}

/// The development secret: as configured, or made up once and kept in a file beside the database.
///
/// # Errors
/// What is wrong with the file.
pub fn development_secret(settings: &Settings) -> Result<Vec<u8>, String> {
    if let Some(secret) = &settings.jwt_secret {
        return Ok(secret.0.clone().into_bytes());
    }
    let folder = settings.database_file().and_then(|f| f.parent().map(Path::to_path_buf)).unwrap_or_else(|| "data".into());
    let file = folder.join("jwt-secret");
    if let Ok(secret) = std::fs::read(&file)
        && secret.len() >= 32
    {
        return Ok(secret);
    }
    let mut random = [0u8; 32];
    getrandom::fill(&mut random).map_err(|e| e.to_string())?;
    let secret = URL_SAFE_NO_PAD.encode(random).into_bytes();
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    write_private(&file, &secret).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(secret)
}

/// Writes a file that only its owner reads.
///
/// # Errors
/// The file system's.
pub fn write_private(file: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(content)
}
