"""What an HTTP API's OpenAPI `Body` declares, as resources of their own.

The emulator creates an API with a `Body` and none of its routes. API Gateway's import reads the
extensions `x-amazon-apigateway-integration`, `-authorizer` and `-cors` and each operation's
`security`; the same is read here.
"""

import hashlib
import re
from typing import Any

from infra.local.intrinsics import Values, resolve

_API = "AWS::ApiGatewayV2::Api"
_ANY = "x-amazon-apigateway-any-method"
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace", _ANY})
_INTEGRATION = "x-amazon-apigateway-integration"
_CORS_NAMES = {
    "allowOrigins": "AllowOrigins",
    "allowMethods": "AllowMethods",
    "allowHeaders": "AllowHeaders",
    "exposeHeaders": "ExposeHeaders",
    "maxAge": "MaxAge",
    "allowCredentials": "AllowCredentials",
}

Template = dict[str, Any]


class BodyError(Exception):
    """The body declares something that API Gateway's import would refuse."""


def lift_body(template: Template, values: Values) -> None:
    """Replace the `Body` of every HTTP API in `template` by resources, in place.

    Raises:
        BodyError: the body declares what API Gateway would refuse.
    """
    for logical_id, resource in list(template["Resources"].items()):
        if resource["Type"] == _API and "Body" in resource["Properties"]:
            properties = resource["Properties"]
            body = resolve(properties.pop("Body"), values)
            properties["ProtocolType"] = "HTTP"
            properties.setdefault("Name", body.get("info", {}).get("title", logical_id))
            cors = body.get("x-amazon-apigateway-cors")
            if cors is not None:
                properties.setdefault("CorsConfiguration", _cors(logical_id, cors))
            properties.pop("FailOnWarnings", None)
            template["Resources"].update(_resources(logical_id, body))


def _cors(api: str, declared: object) -> dict[str, Any]:
    if not isinstance(declared, dict):
        raise BodyError(
            f"the CORS of {api} is no object; the SAM transform drops all but AllowOrigins "
            "when that is an expression"
        )
    return {_CORS_NAMES.get(str(name), str(name)): value for name, value in declared.items()}


def _resources(api: str, body: Template) -> Template:
    resources: Template = {}
    authorizers = _authorizers(api, body, resources)
    for path, operations in sorted(body.get("paths", {}).items()):
        for method, operation in sorted(operations.items()):
            if method.lower() not in _METHODS or _INTEGRATION not in operation:
                continue
            route_key = _route_key(path, method)
            name = f"{api}Route{_slug(route_key)}"
            resources[f"{name}Integration"] = _integration(api, operation[_INTEGRATION])
            route = {
                "ApiId": {"Ref": api},
                "RouteKey": route_key,
                "Target": {"Fn::Join": ["/", ["integrations", {"Ref": f"{name}Integration"}]]},
                **_security(operation, authorizers),
            }
            resources[name] = {"Type": "AWS::ApiGatewayV2::Route", "Properties": route}
    return resources


def _route_key(path: str, method: str) -> str:
    if path in {"$default", "/$default"}:
        return "$default"
    return f"{'ANY' if method == _ANY else method.upper()} {path}"


def _integration(api: str, declared: dict[str, Any]) -> Template:
    properties = {
        "ApiId": {"Ref": api},
        "IntegrationType": str(declared.get("type", "aws_proxy")).upper(),
        "IntegrationUri": declared["uri"],
        "IntegrationMethod": declared.get("httpMethod", "POST"),
        "PayloadFormatVersion": declared.get("payloadFormatVersion", "2.0"),
    }
    if "timeoutInMillis" in declared:
        properties["TimeoutInMillis"] = declared["timeoutInMillis"]
    return {"Type": "AWS::ApiGatewayV2::Integration", "Properties": properties}


def _authorizers(api: str, body: Template, resources: Template) -> dict[str, tuple[str, str]]:
    """Add the authorizers' resources; return each one's logical id and authorization type."""
    found = {}
    schemes = body.get("components", {}).get("securitySchemes", {})
    for name, scheme in sorted(schemes.items()):
        declared = scheme.get("x-amazon-apigateway-authorizer")
        if not declared:
            continue
        logical_id = f"{api}Authorizer{_slug(name)}"
        properties, kind = _authorizer(api, name, declared)
        resources[logical_id] = {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": properties,
        }
        found[name] = (logical_id, kind)
    return found


def _authorizer(api: str, name: str, declared: dict[str, Any]) -> tuple[Template, str]:
    source = declared.get("identitySource", "$request.header.Authorization")
    properties: Template = {
        "ApiId": {"Ref": api},
        "Name": name,
        "IdentitySource": source if isinstance(source, list) else source.split(","),
    }
    if declared.get("type") == "jwt":
        jwt = declared["jwtConfiguration"]
        properties["AuthorizerType"] = "JWT"
        properties["JwtConfiguration"] = {
            "Issuer": jwt["issuer"],
            "Audience": jwt.get("audience", []),
        }
        return properties, "JWT"
    properties["AuthorizerType"] = "REQUEST"
    properties["AuthorizerUri"] = declared["authorizerUri"]
    properties["AuthorizerPayloadFormatVersion"] = declared.get(
        "authorizerPayloadFormatVersion", "2.0"
    )
    properties["EnableSimpleResponses"] = declared.get("enableSimpleResponses", False)
    if "authorizerResultTtlInSeconds" in declared:
        properties["AuthorizerResultTtlInSeconds"] = declared["authorizerResultTtlInSeconds"]
    return properties, "CUSTOM"


def _security(operation: Template, authorizers: dict[str, tuple[str, str]]) -> Template:
    for requirement in operation.get("security", []):
        for name, scopes in requirement.items():
            if name in authorizers:
                logical_id, kind = authorizers[name]
                security: Template = {
                    "AuthorizationType": kind,
                    "AuthorizerId": {"Ref": logical_id},
                }
                if scopes:
                    security["AuthorizationScopes"] = scopes
                return security
    return {"AuthorizationType": "NONE"}


def _slug(text: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return "".join(word[:1].upper() + word[1:] for word in words) + digest
