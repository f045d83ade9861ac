"""Settings and backup of the pool, as the administrator."""
import unittest

from azure.keyvault.administration import KeyVaultBackupClient, KeyVaultSettingsClient
from connection import credential, pool_url

container = "https://store.blob.core.windows.net/backups"


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


class Backup(unittest.TestCase):
    def test_backup_and_restore(self):
        client = KeyVaultBackupClient(pool_url, credential)
        client.begin_pre_backup(container, sas_token="sv=1&sig=x").wait()
        result = client.begin_backup(container, sas_token="sv=1&sig=x").result()
        self.assertTrue(result.folder_url.startswith(f"{container}/mhsm-"))
        client.begin_pre_restore(result.folder_url, sas_token="sv=1&sig=x").wait()
        client.begin_restore(result.folder_url, sas_token="sv=1&sig=x").wait()


if __name__ == "__main__":
    unittest.main()
