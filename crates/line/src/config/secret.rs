//! Passwords: read once at start, from the environment or a file, and never printed.

use std::fmt;

use super::{ConfigError, TrunkConfig};

/// A password. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The trunk's password, if it has a user. `env` looks a variable up.
pub(crate) fn read_secret(
    trunk: &str,
    config: &TrunkConfig,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Option<Secret>, ConfigError> {
    let key = |name: &str| format!("trunk.{trunk}.{name}");
    match (&config.username, &config.password_env, &config.password_file) {
        (None, None, None) => Ok(None),
        (None, _, _) => Err(ConfigError::new(
            key("username"),
            "a password is given but no username; add it",
        )),
        (Some(_), None, None) => Err(ConfigError::new(
            key("password_env"),
            "a username is given but no password; name the environment variable (password_env) or the file \
             (password_file) that holds it",
        )),
        (Some(_), Some(_), Some(_)) => Err(ConfigError::new(
            key("password_file"),
            "password_env and password_file are both given; keep one",
        )),
        (Some(_), Some(name), None) => match env(name) {
            Some(secret) if !secret.is_empty() => Ok(Some(Secret(secret))),
            _ => Err(ConfigError::new(
                key("password_env"),
                format!("the environment variable {name} is not set; set it to the trunk's password"),
            )),
        },
        (Some(_), None, Some(path)) => match std::fs::read_to_string(path) {
            Ok(text) if !text.trim().is_empty() => {
                Ok(Some(Secret(text.trim_end_matches(['\r', '\n']).to_owned())))
            }
            Ok(_) => Err(ConfigError::new(
                key("password_file"),
                format!("{} is empty", path.display()),
            )),
            Err(e) => Err(ConfigError::new(
                key("password_file"),
                format!("{} cannot be read: {e}", path.display()),
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk() -> TrunkConfig {
        TrunkConfig {
            username: Some("u".into()),
            password_env: Some("PW".into()),
            ..TrunkConfig::at("sip.example.com")
        }
    }

    #[test]
    fn a_missing_variable_is_named() {
        let error = read_secret("main", &trunk(), |_| None).expect_err("not set");
        assert_eq!(error.key, "trunk.main.password_env");
        assert!(error.what.contains("PW"), "{error}");
    }

    #[test]
    fn a_user_without_password_is_refused() {
        let config = TrunkConfig {
            password_env: None,
            ..trunk()
        };
        assert!(read_secret("main", &config, |_| None).is_err());
    }

    #[test]
    fn a_password_is_never_printed() {
        let secret = read_secret("main", &trunk(), |_| Some("hunter2".into()))
            .expect("set")
            .expect("there");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(secret.reveal(), "hunter2");
    }

    #[test]
    fn a_file_loses_only_its_line_end() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("pw");
        std::fs::write(&path, " a b \n").expect("writable");
        let config = TrunkConfig {
            password_env: None,
            password_file: Some(path),
            ..trunk()
        };
        let secret = read_secret("main", &config, |_| None)
            .expect("readable")
            .expect("there");
        assert_eq!(secret.reveal(), " a b ");
    }
}
