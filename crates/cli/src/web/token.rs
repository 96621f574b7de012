//! Secret in the printed address: a client that has it may steer the training. It comes from the operating system,
//! never from a seed, and is compared in constant time. (tower-http does not do that.)

use anyhow::{Result, anyhow};
use axum::http::{HeaderMap, header::AUTHORIZATION};
use std::fmt;
use subtle::ConstantTimeEq;

/// 128 random bits.
pub struct Token(String);

impl Token {
    /// Draws a new token.
    pub fn draw() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|e| anyhow!("the system gives no random numbers: {e}"))?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Returns true if a request carries it, as `Authorization: Bearer TOKEN`.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        let given = value.strip_prefix(b"Bearer ").unwrap_or_default();
        given.ct_eq(self.0.as_bytes()).into()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_random_and_nothing_but_itself_passes() {
        let [token, other] = [(); 2].map(|()| Token::draw().expect("random numbers"));
        assert_ne!(token.0, other.0);
        assert_eq!(token.0.len(), 32);
        let passes = |value: &str| {
            let headers = [(AUTHORIZATION, value.parse().expect("a value"))].into_iter().collect();
            token.is_in(&headers)
        };
        assert!(passes(&format!("Bearer {token}")));
        let wrong = [String::new(), token.to_string(), format!("Bearer {other}"), format!("Bearer {token}0")];
        assert!(wrong.iter().all(|value| !passes(value)) && !token.is_in(&HeaderMap::new()));
        assert!(!passes(&format!("Bearer {}", &token.0[..31])));
    }
}
