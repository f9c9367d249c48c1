"""The section of deployments on GitHub that people approve. What is done with it is for those who serve GitHub."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from sayso.config._addresses import Address
from sayso.config._sections import Section, Text


class GitHubEnvironmentSettings(Section):
    """An environment whose deployments people approve."""

    name: Text = Field(description="Name of the environment on GitHub.")
    repository: Text | None = Field(
        default=None,
        description="Repository, such as octo/shop. Default: every repository that the app is installed in.",
    )
    policy: Text | None = Field(default=None, description="Policy that decides.")
    to: tuple[Text, ...] = Field(default=(), description="Where or whom to ask.")


class GitHubSettings(Section):
    """A GitHub App that holds deployments until people approve them; without `app_id`, there is none."""

    app_id: Text | None = Field(
        default=None, description="App ID or client ID of the GitHub App. Requires the extra github."
    )
    private_key_file: Path | None = Field(default=None, description="File with the app's private key (PEM).")
    webhook_secret: SecretStr | None = Field(
        default=None, description="Secret of the app's webhook; environment only."
    )
    webhook_secret_file: Path | None = Field(default=None, description="File with the webhook's secret.")
    api_url: Address = Field(
        default="https://api.github.com",
        description="Address of GitHub's API, for GitHub Enterprise Server https://HOST/api/v3.",
    )
    people: dict[str, Text] = Field(
        default_factory=dict[str, Text],
        description="GitHub logins and the people they belong to, such as person:ana, so that four eyes can "
        "exclude them.",
    )
    environments: tuple[GitHubEnvironmentSettings, ...] = Field(
        default=(),
        description="Environments whose deployments are asked about; the first that matches is used. Deployments to "
        "others are not asked about and keep waiting on GitHub.",
    )

    @model_validator(mode="after")
    def _app_is_complete(self) -> Self:
        if self.app_id is None:
            return self
        if self.private_key_file is None:
            raise ValueError("app_id needs private_key_file, the private key that GitHub made for the app")
        if self.webhook_secret is None and self.webhook_secret_file is None:
            raise ValueError(
                "app_id needs webhook_secret_file, or SAYSO_GITHUB__WEBHOOK_SECRET in the environment, because "
                "anybody can send requests"
            )
        if not self.environments:
            raise ValueError(
                "app_id needs environments. Add [[github.environments]] with a name and a policy"
            )
        for one in self.environments:
            if one.policy is None and not one.to:
                raise ValueError(f"the environment {one.name!r} needs a policy, or whom to ask in `to`")
        return self
