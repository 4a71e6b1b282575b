//! Bootstrap tokens: a Secret for one server, made when it is asked for and removed when it has joined.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/>

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};
use rustls::crypto::SecureRandom;
use sha2::{Digest, Sha256};

use super::call::Call;
use super::client::Live;
use crate::cluster::{ClusterError, keys};
use crate::model::{Name, Token};

/// Where the API server looks for them.
pub(super) const NAMESPACE: &str = "kube-system";
const KIND: &str = "bootstrap.kubernetes.io/token";
/// Whom `kubeadm` lets join; other installers bind their roles to it too.
const GROUP: &str = "system:bootstrappers:kubeadm:default-node-token";
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// One that ends by so much earlier than asked for is good enough: a server may have been told it already.
const LEEWAY: SignedDuration = SignedDuration::from_mins(10);

impl Live {
    /// The token of a node: the one that is there, where it lasts, else a new one.
    pub(super) async fn make_token(&self, node: &Name, until: Timestamp) -> Result<Token, ClusterError> {
        let id = self.token_id(node);
        if let Some(there) = self.token_secret(&id).await? {
            if !is_of(&there, node) {
                return Err(ClusterError::Conflict(format!("secret bootstrap-token-{id} in {NAMESPACE}")));
            }
            if let Some(token) = still_good(&there, &id, until) {
                return Ok(token);
            }
            self.remove_secret(&id).await?;
        }
        let secret = secret()?;
        let (secrets, post) = (self.secrets(), PostParams::default());
        let made = written(node, &id, &secret, until);
        self.once(&call("create"), secrets.create(&post, &made)).await?;
        Ok(Token::new(&id, &secret))
    }

    /// Removes the token of a node; one that is not there is no error.
    pub(super) async fn remove_token(&self, node: &Name) -> Result<(), ClusterError> {
        let id = self.token_id(node);
        match self.token_secret(&id).await? {
            Some(there) if is_of(&there, node) => self.remove_secret(&id).await,
            _ => Ok(()),
        }
    }

    async fn token_secret(&self, id: &str) -> Result<Option<Secret>, ClusterError> {
        let (secrets, name) = (self.secrets(), name(id));
        self.again(&call("get"), || secrets.get_opt(&name)).await
    }

    async fn remove_secret(&self, id: &str) -> Result<(), ClusterError> {
        let secrets = self.secrets();
        match self.once(&call("delete"), secrets.delete(&name(id), &DeleteParams::default())).await {
            Err(ClusterError::NotFound(_)) => Ok(()),
            other => other.map(drop),
        }
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// The public half: the same for the same node, so that a token is found again.
    fn token_id(&self, node: &str) -> String {
        let digest = Sha256::digest(format!("{}/{node}", self.cluster()));
        digest.iter().take(6).map(|byte| digit(*byte)).collect()
    }
}

fn call(verb: &'static str) -> Call {
    Call::new(verb, format!("secrets in namespace {NAMESPACE} (bootstrap tokens)"))
}

fn name(id: &str) -> String {
    format!("bootstrap-token-{id}")
}

fn digit(byte: u8) -> char {
    DIGITS.get(usize::from(byte) % DIGITS.len()).copied().map_or('0', char::from)
}

/// Sixteen digits that nobody can guess.
fn secret() -> Result<String, ClusterError> {
    let provider = rustls::crypto::ring::default_provider();
    let random: &dyn SecureRandom = provider.secure_random;
    let mut text = String::new();
    while text.len() < 16 {
        let mut bytes = [0_u8; 32];
        random.fill(&mut bytes).map_err(|_| ClusterError::Broken("this machine gives no random numbers".to_owned()))?;
        // 252 is a multiple of 36: beyond it some digits would come more often.
        text.extend(bytes.iter().filter(|byte| **byte < 252).take(16 - text.len()).map(|byte| digit(*byte)));
    }
    Ok(text)
}

fn written(node: &str, id: &str, secret: &str, until: Timestamp) -> Secret {
    let data = [
        ("token-id", id.to_owned()),
        ("token-secret", secret.to_owned()),
        ("expiration", until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("usage-bootstrap-authentication", "true".to_owned()),
        ("usage-bootstrap-signing", "true".to_owned()),
        ("auth-extra-groups", GROUP.to_owned()),
        ("description", format!("made by Tidegate for node {node} alone")),
    ];
    Secret {
        metadata: ObjectMeta {
            name: Some(name(id)),
            namespace: Some(NAMESPACE.to_owned()),
            annotations: Some([(keys::TOKEN_OF.to_owned(), node.to_owned())].into()),
            ..ObjectMeta::default()
        },
        type_: Some(KIND.to_owned()),
        string_data: Some(data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ..Secret::default()
    }
}

fn is_of(secret: &Secret, node: &str) -> bool {
    let annotations = secret.metadata.annotations.as_ref();
    annotations.and_then(|all| all.get(keys::TOKEN_OF)).is_some_and(|of| of == node)
}

fn still_good(secret: &Secret, id: &str, until: Timestamp) -> Option<Token> {
    let data = secret.data.as_ref()?;
    let text = |key: &str| std::str::from_utf8(&data.get(key)?.0).ok();
    let ends: Timestamp = text("expiration")?.parse().ok()?;
    let lasts = ends.checked_add(LEEWAY).is_ok_and(|ends| ends >= until);
    (lasts && text("token-id")? == id).then(|| Some(Token::new(id, text("token-secret")?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_sixteen_digits_and_differ() {
        let (one, other) = (secret().unwrap(), secret().unwrap());
        for secret in [&one, &other] {
            assert!(secret.len() == 16 && secret.bytes().all(|byte| DIGITS.contains(&byte)), "{secret}");
        }
        assert_ne!(one, other);
    }
}
