"""The routes of one's own API keys."""

from dataclasses import replace
from datetime import timedelta

from nightshift.core.access import ApiKeyId, Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody, PageQuery
from nightshift.identity.api_keys.errors import (
    ApiKeyLifetimeError,
    ApiKeyLimitError,
    ApiKeyNotFoundError,
    ApiKeyScopeError,
)
from nightshift.identity.api_keys.model import ApiKey
from nightshift.identity.api_keys.schemas import (
    ApiKeyIn,
    ApiKeyOut,
    ApiKeyPage,
    ApiKeyPatch,
    ApiKeyWithSecret,
    RotateIn,
)
from nightshift.identity.api_keys.service import ApiKeys, Wish
from nightshift.identity.roles.errors import PermissionNotHeldError

DEFAULT_GRACE = timedelta(hours=24)

router: Router[ApiKeys] = Router(tag="API keys")


@router.route(
    "POST",
    "/api-keys",
    Permission.API_KEYS_WRITE,
    body=ApiKeyIn,
    answer=ApiKeyWithSecret,
    status=201,
    idempotent=True,
    sealed=True,
    etag=True,
    errors=(
        ApiKeyLifetimeError,
        ApiKeyLimitError,
        ApiKeyScopeError,
        PermissionNotHeldError,
        ConflictError,
    ),
)
def create_api_key(keys: ApiKeys, request: Request[ApiKeyIn]) -> Reply:
    """Make an API key.

    `secret` is shown this once; send it as a Bearer token. Scopes that let a key make access that
    outlives it are refused. With an Idempotency-Key the first answer is kept for ten minutes,
    sealed under the request.
    """
    body = request.body
    wish = Wish(
        name=body.name,
        scopes=frozenset(body.scopes),
        cidrs=tuple(body.allowed_cidrs),
        expires_at=body.expires_at,
    )
    key, secret = keys.create(request.caller, wish, key_id=ApiKeyId(request.new_id()))
    return Reply(
        body=ApiKeyWithSecret.made(key, secret),
        version=key.version,
        headers={"location": f"/api/v1/api-keys/{key.key_id}"},
    )


@router.route("GET", "/api-keys", Permission.API_KEYS_READ, query=PageQuery, answer=ApiKeyPage)
def list_api_keys(keys: ApiKeys, request: Request[NoBody, PageQuery]) -> Reply:
    """List one's own API keys, newest first, without those that are revoked."""
    position = request.position()
    found, after = keys.page(
        request.caller.user_id,
        after=ApiKeyId(str(position["after"])) if position else None,
        limit=request.query.limit,
    )
    return Reply(
        body=ApiKeyPage(
            items=[ApiKeyOut.of(key) for key in found],
            next_cursor=request.next_cursor({"after": after} if after else None),
        )
    )


@router.route(
    "GET",
    "/api-keys/{key_id}",
    Permission.API_KEYS_READ,
    answer=ApiKeyOut,
    etag=True,
    errors=(ApiKeyNotFoundError,),
)
def get_api_key(keys: ApiKeys, request: Request) -> Reply:
    """Read one of one's own API keys."""
    return _key(keys.get(request.caller.user_id, _id(request.path["key_id"])))


@router.route(
    "PATCH",
    "/api-keys/{key_id}",
    Permission.API_KEYS_WRITE,
    body=ApiKeyPatch,
    answer=ApiKeyOut,
    etag=True,
    if_match=True,
    errors=(
        ApiKeyLifetimeError,
        ApiKeyNotFoundError,
        ApiKeyScopeError,
        PermissionNotHeldError,
        ConflictError,
    ),
)
def change_api_key(keys: ApiKeys, request: Request[ApiKeyPatch]) -> Reply:
    """Change an API key; it counts from the next request that uses it."""
    key_id = _id(request.path["key_id"])
    key = keys.change(
        request.caller,
        key_id,
        _wish(keys.get(request.caller.user_id, key_id), request.body),
        expected_version=request.expected_version(),
    )
    return _key(key)


@router.route(
    "POST",
    "/api-keys/{key_id}/rotate",
    Permission.API_KEYS_WRITE,
    body=RotateIn,
    answer=ApiKeyWithSecret,
    idempotent=True,
    sealed=True,
    etag=True,
    if_match=True,
    errors=(ApiKeyNotFoundError, ConflictError),
)
def rotate_api_key(keys: ApiKeys, request: Request[RotateIn]) -> Reply:
    """Give an API key a new secret.

    The present one still works for a day, or as long as `grace_s` says; one before it ends at once.
    """
    grace_s = request.body.grace_s
    key, secret = keys.rotate(
        request.caller,
        _id(request.path["key_id"]),
        origin=request.new_id(),
        grace=DEFAULT_GRACE if grace_s is None else timedelta(seconds=grace_s),
        expected_version=request.expected_version(),
    )
    return Reply(body=ApiKeyWithSecret.made(key, secret), version=key.version)


@router.route(
    "DELETE",
    "/api-keys/{key_id}",
    Permission.API_KEYS_WRITE,
    status=204,
    if_match=True,
    errors=(ApiKeyNotFoundError, ConflictError),
)
def revoke_api_key(keys: ApiKeys, request: Request) -> Reply:
    """Revoke an API key for good, its old secret too."""
    keys.revoke(
        request.caller,
        _id(request.path["key_id"]),
        expected_version=request.expected_version(),
    )
    return Reply()


def _wish(key: ApiKey, body: ApiKeyPatch) -> Wish:
    """Return what the key is to be: as it is but for what the body names."""
    now = Wish(name=key.name, scopes=key.scopes, cidrs=key.cidrs, expires_at=key.expires_at)
    if body.name is not None:
        now = replace(now, name=body.name)
    if body.scopes is not None:
        now = replace(now, scopes=frozenset(body.scopes))
    if "allowed_cidrs" in body.model_fields_set:
        now = replace(now, cidrs=tuple(body.allowed_cidrs or ()))
    if "expires_at" in body.model_fields_set:
        now = replace(now, expires_at=body.expires_at)
    return now


def _key(key: ApiKey) -> Reply:
    return Reply(body=ApiKeyOut.of(key), version=key.version)


def _id(text: str) -> ApiKeyId:
    return ApiKeyId(text)
