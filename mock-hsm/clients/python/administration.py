"""Settings of the pool, as the administrator."""
import unittest

from azure.keyvault.administration import KeyVaultSettingsClient
from connection import credential, pool_url


class Settings(unittest.TestCase):
    def test_list_get_update(self):
        client = KeyVaultSettingsClient(pool_url, credential)
        name = "AllowKeyManagementOperationsThroughARM"
        self.assertIn(name, [setting.name for setting in client.list_settings()])
        setting = client.get_setting(name)
        self.assertIs(setting.getboolean(), False)
        setting.value = "true"
        self.assertIs(client.update_setting(setting).getboolean(), True)
        self.assertIs(client.get_setting(name).getboolean(), True)


if __name__ == "__main__":
    unittest.main()
