"""Deployments on GitHub that wait for people: what GitHub asks as a question, and the decision as its review.

When reviews are sent, and again after a failure, is for `service`.
"""

from sayso.bots.github._deployments import (
    Deployment,
    Review,
    UnreadableDeployment,
    read_deployment,
    signature,
)
from sayso.bots.github._reviews import GitHubApp, Undelivered
from sayso.bots.github._webhook import PATH, DeploymentWebhook

__all__ = [
    "PATH",
    "Deployment",
    "DeploymentWebhook",
    "GitHubApp",
    "Review",
    "Undelivered",
    "UnreadableDeployment",
    "read_deployment",
    "signature",
]
