"""What the token service says about itself to clients that ask before they sign in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

_CLAIMS = (
    "sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host aud exp"
    " iat auth_time acr nonce preferred_username name tid ver at_hash c_hash email"
)


def openid_configuration(login: str, tenant_id: str, at: str = "") -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc

    `at` is the address that several tenants share: it stays in the endpoints.
    """
    issuer, tenant = f"{login}/{tenant_id}", f"{login}/{at or tenant_id}"
    host = login.removeprefix("https://")
    return {
        "token_endpoint": f"{tenant}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
            "self_signed_tls_client_auth",
        ],
        "jwks_uri": f"{tenant}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{issuer}/v2.0",
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{login}/oidc/userinfo",
        "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{tenant}/oauth2/v2.0/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{tenant}/oauth2/v2.0/logout",
        "claims_supported": _CLAIMS.split(),
        "kerberos_endpoint": f"{tenant}/kerberos",
        "tenant_region_scope": "NA",
        "cloud_instance_name": host,
        "cloud_graph_host_name": host,
        "msgraph_host": host,
        "rbac_url": f"{login}/pas",
    }


def instance(login: str, authorization_endpoint: str) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/msal/dotnet/advanced/instance-discovery"""
    host = login.removeprefix("https://")
    tenant = urlsplit(authorization_endpoint).path.strip("/").partition("/")[0] or "common"
    return {
        "tenant_discovery_endpoint": f"{login}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def realm(user: str, login: str) -> dict[str, Any]:
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc

    Nobody here signs in at a federated company's own server.
    """
    return {
        "ver": "1.0",
        "account_type": "Managed",
        "domain_name": user.rpartition("@")[2],
        "cloud_instance_name": login.removeprefix("https://"),
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
