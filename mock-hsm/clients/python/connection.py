"""The pool and the credential as a user's program would make them; where they are, the environment says."""
import os

from azure.identity import DefaultAzureCredential

pool_url = os.environ.get("POOL_URL", "https://mypool.managedhsm.azure.net")

# With another authority than Azure's, MSAL must be told not to ask login.microsoftonline.com about it.
credential = DefaultAzureCredential(disable_instance_discovery="AZURE_AUTHORITY_HOST" in os.environ)
