"""Signing in with an OpenID provider: authorization code flow with PKCE, by discovery.

`model` and `id_token` decide, `provider` talks to a provider, `flow` binds an answer to the browser
that asked, `service` puts them together. Who the user is that comes in is `federation`'s matter.
"""
