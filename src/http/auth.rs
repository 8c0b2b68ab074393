//! Who asks: an API key in `Authorization: Bearer`, or the caller that the console's session layer found before.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;

use super::request_id::RequestId;
use crate::engine::{Caller, Engine};
use crate::model::ApiError;

/// The caller of a route. 401 without a credential or with a bad one.
#[derive(Clone, Debug)]
pub struct Auth(pub Caller);

impl Auth {
    /// The caller, looking at one tenant if it may.
    ///
    /// # Errors
    /// 404 when the tenant is not the caller's.
    pub fn looking_at(self, tenant_id: Option<&str>) -> Result<Caller, ApiError> {
        Ok(Caller { tenant_id: self.0.reads(tenant_id)?, ..self.0 })
    }
}

impl<S> FromRequestParts<S> for Auth
where
    S: Send + Sync,
    Engine: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // A key that is sent counts alone: were a bad one to fall back to the session, a request exempt from the
        // browser's checks could use it.
        let caller = match parts.headers.get(header::AUTHORIZATION) {
            Some(value) => {
                let text = value.to_str().unwrap_or_default();
                let key = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim()).filter(|key| !key.is_empty());
                let key = key.ok_or_else(|| ApiError::unauthorized("Authorization must be \"Bearer\" and an API key."))?;
                Engine::from_ref(state).authenticate_key(key, address(parts)).await?
            }
            None => parts.extensions.get::<Caller>().cloned().ok_or_else(|| ApiError::unauthorized("Send an API key: Authorization: Bearer KEY."))?,
        };
        Ok(Self(match parts.extensions.get::<RequestId>() {
            Some(RequestId(id)) => caller.with_request_id(id.as_str()),
            None => caller,
        }))
    }
}

/// Where the request came from.
fn address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}
