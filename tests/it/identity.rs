//! Identity: secrets and keys, required claims, algorithms, claim locations.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, Router, routing::get};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use relsum::{
    auth::{keys::Keys, mint, token::Verifier},
    config::Settings,
    error::Error,
};
use serde_json::{Value, json};

use crate::support::{SECRET, settings};

fn claims(change: impl FnOnce(&mut Value)) -> Value {
    let now = chrono::Utc::now().timestamp();
    let mut claims = json!({ "iss": "relsum", "aud": "relsum", "exp": now + 600, "sub": "u-1", "name": "张三",
        "memberships": [{ "department": "OPS", "role": "HEAD" }, { "department": "OPS", "role": "MEMBER" }], "roles": ["AUDITOR", "KING"] });
    change(&mut claims);
    claims
}

fn hs256(claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn refusal(result: Result<relsum::auth::token::Identity, Error>) -> String {
    match result {
        Err(Error::Unauthenticated(said)) => said.en,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_needs_issuer_audience_and_time_and_its_own_algorithm() {
    let settings = settings("sqlite::memory:");
    let verifier = Verifier::new(Keys::secret(SECRET.as_bytes()), &settings);
    let actor = verifier.identity(&hs256(&claims(|_| {}))).await.unwrap().actor;
    assert_eq!((actor.subject.as_str(), actor.capacity().as_str()), ("u-1", "OPS:HEAD AUDITOR"));
    for (change, why) in [
        (json!({ "exp": 1_000_000_000 }), "it has expired"),
        (json!({ "iss": "another" }), "iss is another"),
        (json!({ "iss": ["relsum", "x"] }), "iss is not a text"),
        (json!({ "aud": "another" }), "aud is another"),
        (json!({ "aud": null }), "required"),
        (json!({ "exp": null }), "required"),
        (json!({ "iss": null }), "required"),
        (json!({ "sub": null }), "no subject"),
        (json!({ "sub": " " }), "no subject"),
        (json!({ "sub": "relsum:import" }), "the service itself"),
    ] {
        let token = hs256(&claims(|c| {
            for (name, value) in change.as_object().unwrap() {
                if value.is_null() {
                    c.as_object_mut().unwrap().remove(name);
                } else {
                    c[name] = value.clone();
                }
            }
        }));
        let told = refusal(verifier.identity(&token).await);
        assert!(told.contains(why), "{change}: {told}");
    }
    let forged = encode(&Header::new(Algorithm::HS256), &claims(|_| {}), &EncodingKey::from_secret(b"another secret")).unwrap();
    assert!(refusal(verifier.identity(&forged).await).contains("signature"));
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1LTEifQ.";
    refusal(verifier.identity(none).await);
    let other = encode(&Header::new(Algorithm::HS512), &claims(|_| {}), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    refusal(verifier.identity(&other).await);
    refusal(verifier.identity_of(None).await);
    refusal(verifier.identity_of(Some("Basic dTpw")).await);
}

#[tokio::test]
async fn a_key_pair_of_our_own_signs_and_verifies_and_refuses_the_public_key_as_a_secret() {
    let (pem, set) = mint::key_pair().unwrap();
    let file = std::env::temp_dir().join(format!("relsum-test-jwks-{}.json", std::process::id()));
    std::fs::write(&file, &set).unwrap();
    let settings = Settings::default();
    let verifier = Verifier::new(Keys::jwks(file.to_str().unwrap(), &settings.jwt_algorithms).unwrap(), &settings);
    std::fs::remove_file(&file).unwrap();
    let signed = encode(&Header::new(Algorithm::EdDSA), &claims(|_| {}), &EncodingKey::from_ed_pem(pem.as_bytes()).unwrap()).unwrap();
    assert_eq!(verifier.identity(&signed).await.unwrap().actor.subject, "u-1");
    // The oldest trick: HS256 with the public key as the secret.
    let trick = encode(&Header::new(Algorithm::HS256), &claims(|_| {}), &EncodingKey::from_secret(set.as_bytes())).unwrap();
    refusal(verifier.identity(&trick).await);
}

#[tokio::test]
async fn a_jwks_address_is_cached_and_not_asked_again_for_every_unknown_key() {
    let (pem, set) = mint::key_pair().unwrap();
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let set: Value = serde_json::from_str(&set).unwrap();
    let router = Router::new().route(
        "/jwks",
        get(move || async move {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Json(set)
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/jwks", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = Settings::default();
    let verifier = Verifier::new(Keys::jwks(&address, &settings.jwt_algorithms).unwrap(), &settings);
    let key = EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
    let good = encode(&Header::new(Algorithm::EdDSA), &claims(|_| {}), &key).unwrap();
    for _ in 0..20 {
        assert_eq!(verifier.identity(&good).await.unwrap().actor.name, "张三");
    }
    for n in 0..20 {
        let header = Header { kid: Some(format!("unknown-{n}")), ..Header::new(Algorithm::EdDSA) };
        refusal(verifier.identity(&encode(&header, &claims(|_| {}), &key).unwrap()).await);
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
    serving.abort();
    assert!(Keys::jwks("http://keys.example/jwks", &settings.jwt_algorithms).is_err(), "not in the clear");
}

#[tokio::test]
async fn a_token_that_was_accepted_is_refused_once_it_expires_or_its_key_is_withdrawn() {
    let settings = Settings::default();
    let verifier = Verifier::new(Keys::secret(SECRET.as_bytes()), &settings);
    // Within the leeway of a minute, for another second.
    let nearly = claims(|claims| claims["exp"] = json!(jsonwebtoken::get_current_timestamp() - 59));
    let token = hs256(&nearly);
    verifier.identity(&token).await.unwrap();
    verifier.identity(&token).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    assert!(refusal(verifier.identity(&token).await).contains("expired"));

    let ((old, old_set), (_, new_set)) = (mint::key_pair().unwrap(), mint::key_pair().unwrap());
    let published = Arc::new(std::sync::Mutex::new(old_set));
    let served = Arc::clone(&published);
    let router = Router::new().route("/jwks", get(move || async move { served.lock().unwrap().clone() }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/jwks", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let keys = Keys::jwks(&address, &settings.jwt_algorithms).unwrap();
    let verifier = Verifier::new(keys, &settings);
    let key = EncodingKey::from_ed_pem(old.as_bytes()).unwrap();
    let token = encode(&Header::new(Algorithm::EdDSA), &claims(|_| {}), &key).unwrap();
    verifier.identity(&token).await.unwrap();
    *published.lock().unwrap() = new_set;
    verifier.identity(&token).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(601)).await;
    tokio::time::resume();
    assert!(refusal(verifier.identity(&token).await).contains("signature"));
    serving.abort();
}

#[tokio::test]
async fn claims_are_found_where_other_providers_put_them() {
    // As Keycloak has them: roles in realm_access, groups as texts.
    let settings = Settings {
        jwt_memberships: "/groups".into(),
        jwt_roles: "/realm_access/roles".into(),
        jwt_name: "/preferred_username".into(),
        jwt_membership_map: BTreeMap::from([("/ops/leads".into(), "OPS:HEAD".into()), ("/qa".into(), "TEST".into())]),
        jwt_role_map: BTreeMap::from([("relsum-admin".into(), "ADMIN".into())]),
        ..settings("sqlite::memory:")
    };
    let verifier = Verifier::new(Keys::secret(SECRET.as_bytes()), &settings);
    let token = hs256(&claims(|c| {
        c["groups"] = json!(["/ops/leads", "/qa", "/unknown", 7, "RND:MEMBER"]);
        c["realm_access"] = json!({ "roles": ["relsum-admin", "offline_access"] });
        c["preferred_username"] = json!("zhangsan");
    }));
    let actor = verifier.identity(&token).await.unwrap().actor;
    assert_eq!((actor.capacity().as_str(), actor.name.as_str()), ("OPS:HEAD TEST:MEMBER RND:MEMBER ADMIN", "zhangsan"));
}
