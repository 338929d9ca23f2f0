# Stands before what the documentation shows of Azure: its credentials yield the local pool's token.
import os

import azure.identity
import azure.identity.aio
from azure.core.credentials import AccessToken

_TOKEN = AccessToken(os.environ["STAND_IN_TOKEN"], 2**31)


def _get_token(*_arguments: object, **_options: object) -> AccessToken:
    return _TOKEN


async def _aget_token(*_arguments: object, **_options: object) -> AccessToken:
    return _TOKEN


azure.identity.DefaultAzureCredential.get_token = _get_token
azure.identity.aio.ManagedIdentityCredential.get_token = _aget_token
