"""The two accounts, by the profiles that the user names."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound  # type: ignore[import-untyped]

from live.failure import Failure

PROVIDER_PROFILE = "XACCT_LIVE_PROVIDER_PROFILE"
CALLER_PROFILE = "XACCT_LIVE_CALLER_PROFILE"
REGION = "XACCT_LIVE_REGION"


@dataclass(frozen=True)
class Account:
    """One of them, and who the profile is there."""

    profile: str
    region: str
    session: Any
    id: str
    arn: str
    user_id: str

    @property
    def partition(self) -> str:
        """Such as `aws`."""
        return self.arn.split(":")[1]

    def client(self, service: str) -> Any:
        """A client, to be closed."""
        return self.session.client(service, region_name=self.region)


@dataclass(frozen=True)
class Accounts:
    """The API's account, and its callers'."""

    provider: Account
    caller: Account


def named(environment: Mapping[str, str]) -> Accounts:
    """The accounts of the profiles that are named, each asked who it is; nothing is made."""
    profiles = {name: environment.get(name, "") for name in (PROVIDER_PROFILE, CALLER_PROFILE)}
    if missing := [name for name, profile in profiles.items() if not profile]:
        raise Failure(
            f"{missing[0]} is not set", "name a profile of your AWS configuration in it, one for each account"
        )
    provider = session(profiles[PROVIDER_PROFILE])
    region = environment.get(REGION) or provider.region_name
    if not region:
        raise Failure(
            f"the profile `{profiles[PROVIDER_PROFILE]}` has no region",
            f"set it in the profile, or name one in {REGION}",
        )
    accounts = opened(profiles[PROVIDER_PROFILE], profiles[CALLER_PROFILE], region)
    if accounts.provider.id == accounts.caller.id:
        raise Failure(
            f"both profiles are of the account {accounts.provider.id}",
            "the API and its callers have to be in different accounts",
        )
    if accounts.provider.partition != accounts.caller.partition:
        raise Failure(
            "the accounts are in different partitions", "STS gives no role of another partition: take two of one"
        )
    if accounts.caller.arn.endswith(":root"):
        raise Failure(
            f"the profile `{accounts.caller.profile}` is the root user of its account",
            "the root user cannot assume roles: take a role or a user",
        )
    return accounts


def opened(provider: str, caller: str, region: str) -> Accounts:
    """The accounts of two profiles."""
    return Accounts(account(provider, region), account(caller, region))


def session(profile: str) -> Any:
    """A session of boto3, whose only credentials are the profile's."""
    try:
        return boto3.Session(profile_name=profile)
    except ProfileNotFound:
        raise Failure(
            f"there is no profile `{profile}`", "`aws configure list-profiles` shows those of your AWS configuration"
        ) from None


def account(profile: str, region: str) -> Account:
    """The account of a profile, and who the profile is, by GetCallerIdentity."""
    found = session(profile)
    try:
        with closing(found.client("sts", region_name=region)) as sts:
            who = sts.get_caller_identity()
    except (BotoCoreError, ClientError, ValueError) as error:
        raise Failure(
            f"the profile `{profile}` has no usable credentials for {region}: {error}",
            f"`aws sts get-caller-identity --profile {profile} --region {region}` has to work",
        ) from None
    return Account(profile, region, found, who["Account"], who["Arn"], who["UserId"])
