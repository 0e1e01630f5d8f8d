//! Who the user is to a registry.

use std::fmt;

use docker_credential::{CredentialRetrievalError, DockerCredential};

use crate::transfer_error::TransferError;

/// The environment variable with the user's name at the registry.
pub const USER_VARIABLE: &str = "REWARDEN_REGISTRY_USER";
/// The environment variable with the password, or a token in its place.
pub const PASSWORD_VARIABLE: &str = "REWARDEN_REGISTRY_PASSWORD";

/// Where `docker login` keeps what is for its own hub.
const HUB: (&str, &str) = ("docker.io", "https://index.docker.io/v1/");

/// A user's name at a registry, with the password.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password, or a token in its place.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.user)
    }
}

impl Credentials {
    /// The credentials that the environment holds, for every registry that is asked. `None` if it holds none.
    ///
    /// # Errors
    /// Says which of the two variables is missing: nobody is anonymous by accident.
    pub fn from_environment() -> Result<Option<Self>, String> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (variable(USER_VARIABLE), variable(PASSWORD_VARIABLE)) {
            (Some(user), Some(password)) => Ok(Some(Self { user, password })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(format!("{USER_VARIABLE} is set without {PASSWORD_VARIABLE}; set both or none")),
            (None, Some(_)) => Err(format!("{PASSWORD_VARIABLE} is set without {USER_VARIABLE}; set both or none")),
        }
    }

    /// What `docker login` keeps for a registry. `None` if it keeps nothing. May run one of Docker's credential helpers.
    ///
    /// # Errors
    /// If it keeps something that cannot be used.
    pub(crate) fn of_docker(registry: &str) -> Result<Option<Self>, TransferError> {
        let unusable = |message: String| TransferError::Credentials { registry: registry.to_owned(), message };
        let kept_as = if registry == HUB.0 { HUB.1 } else { registry };
        match docker_credential::get_credential(kept_as) {
            Ok(DockerCredential::UsernamePassword(user, password)) => Ok(Some(Self { user, password })),
            Ok(DockerCredential::IdentityToken(_)) => Err(unusable(format!(
                "Docker keeps an identity token for it, which is not understood here; set {USER_VARIABLE} and {PASSWORD_VARIABLE}"
            ))),
            // A file that is not there is reported as one that cannot be read.
            Err(
                CredentialRetrievalError::NoCredentialConfigured
                | CredentialRetrievalError::ConfigNotFound
                | CredentialRetrievalError::ConfigReadError,
            ) => Ok(None),
            // A helper prints what it likes, and its output may hold a secret.
            Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
                Err(unusable(format!("Docker's credential helper `{helper}` fails")))
            }
            Err(error) => Err(unusable(error.to_string())),
        }
    }
}
