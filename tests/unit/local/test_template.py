import shutil
from pathlib import Path

import pytest

from infra.local.template import CODE_VARIABLE, Prepared, TemplateError, prepare

PROJECT = Path(__file__).parents[2] / "integration/stack/project"
PARAMETERS = {"Stage": "local", "PublicUrl": "http://127.0.0.1:1"}


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    """The small test project, prepared."""
    return prepare(PROJECT, PARAMETERS)


def test_functions_point_at_a_stub_and_remember_their_folder(prepared: Prepared) -> None:
    """The emulator gets no code; the function host learns where it is."""
    function = prepared.root["Resources"]["Probe"]["Properties"]

    assert "nightshift-local-artifacts" == function["Code"]["S3Bucket"]
    assert "functions/probe" == function["Environment"]["Variables"][CODE_VARIABLE]


def test_what_a_condition_excludes_is_gone(prepared: Prepared) -> None:
    """A resource for production only is not deployed locally."""
    assert "OnlyInProduction" not in prepared.root["Resources"]


def test_routes_become_resources_with_integration_and_authorizer(prepared: Prepared) -> None:
    """Every operation of the API's body is a route of its own."""
    routes = {
        resource["Properties"]["RouteKey"]: resource["Properties"]
        for resource in prepared.root["Resources"].values()
        if resource["Type"] == "AWS::ApiGatewayV2::Route"
    }

    assert {"ANY /probe/{proxy+}", "GET /secured"} == set(routes)
    assert "NONE" == routes["ANY /probe/{proxy+}"]["AuthorizationType"]
    assert "JWT" == routes["GET /secured"]["AuthorizationType"]
    authorizer = routes["GET /secured"]["AuthorizerId"]["Ref"]
    assert "AWS::ApiGatewayV2::Authorizer" == prepared.root["Resources"][authorizer]["Type"]


def test_cors_stands_on_the_api_and_no_body_is_left(prepared: Prepared) -> None:
    """The emulator reads CORS from the API's own property."""
    api = prepared.root["Resources"]["Api"]["Properties"]

    assert ["https://console.example.com"] == api["CorsConfiguration"]["AllowOrigins"]
    assert "Body" not in api


def test_a_mappings_concurrency_is_a_number(prepared: Prepared) -> None:
    """A parameter's text would stop the emulator's poller."""
    mapping = prepared.root["Resources"]["ProbeWork"]["Properties"]

    assert 6 == mapping["ScalingConfig"]["MaximumConcurrency"]


def test_nested_templates_lose_their_transform_and_keep_plain_policies(tmp_path: Path) -> None:
    """A deletion policy by condition is resolved with what the parent passes on."""
    (tmp_path / "template.yaml").write_text(
        "Parameters: {Stage: {Type: String}}\n"
        "Resources:\n"
        "  Child:\n"
        "    Type: AWS::CloudFormation::Stack\n"
        "    Properties: {TemplateURL: child.yaml, Parameters: {Where: !Ref Stage}}\n"
    )
    (tmp_path / "child.yaml").write_text(
        "Transform: AWS::LanguageExtensions\n"
        "Parameters: {Where: {Type: String}}\n"
        "Conditions: {Keep: !Equals [!Ref Where, prod]}\n"
        "Resources:\n"
        "  Table:\n"
        "    Type: AWS::DynamoDB::Table\n"
        "    DeletionPolicy: !If [Keep, Retain, Delete]\n"
    )

    child = prepare(tmp_path, PARAMETERS).nested["child.yaml"]

    assert "Transform" not in child
    assert "Delete" == child["Resources"]["Table"]["DeletionPolicy"]


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("Handler: handler.handler", "", "the SAM transform refuses"),
        ("Resources:", "Things:", "template.yaml has no Resources"),
        ("Resources:", "Resources: [", "template.yaml:"),
        (
            'AllowOrigins: ["https://console.example.com"]',
            "AllowOrigins: !Split [',', !Ref PublicUrl]",
            "CORS of Api is no object",
        ),
    ],
)
def test_a_template_that_cannot_be_read_says_why(
    tmp_path: Path, old: str, new: str, wanted: str
) -> None:
    """One exception with the reason, whatever is wrong."""
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    template = project / "template.yaml"
    template.write_text(template.read_text().replace(old, new))

    with pytest.raises(TemplateError, match=wanted):
        prepare(project, PARAMETERS)


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    """There is no template at all."""
    with pytest.raises(TemplateError, match=r"template\.yaml"):
        prepare(tmp_path, PARAMETERS)
