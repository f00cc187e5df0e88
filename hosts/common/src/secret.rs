//! User name and password, which nothing prints.

use core::fmt;

/// A password or a token. Neither `Debug` nor an error shows it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// The secret itself.
    #[must_use]
    pub const fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl<T: AsRef<[u8]> + ?Sized> From<&T> for Secret {
    fn from(bytes: &T) -> Self {
        Self(bytes.as_ref().into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What CONNECT names the user by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The user name.
    pub user: Option<String>,
    /// The password, which may also stand alone (section 3.1.2.9).
    pub password: Option<Secret>,
}

impl Credentials {
    /// A user name and a password.
    pub fn new(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { user: Some(user.into()), password: Some(password.into()) }
    }

    /// A user name alone.
    pub fn user(user: impl Into<String>) -> Self {
        Self { user: Some(user.into()), password: None }
    }

    /// A password or a token alone.
    pub fn password(password: impl Into<Secret>) -> Self {
        Self { user: None, password: Some(password.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let printed = format!("{:?}", Credentials::new("ann", "hunter2"));
        assert!(printed.contains("ann") && !printed.contains("hunter2"), "{printed}");
    }
}
