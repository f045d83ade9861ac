"""Every operation of KeyVaultAccessControlClient, as the administrator."""
import os
import unittest
import uuid

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.administration import KeyVaultAccessControlClient, KeyVaultPermission, KeyVaultRoleScope
from connection import credential, pool_url

client = KeyVaultAccessControlClient(pool_url, credential)
read_keys = "Microsoft.KeyVault/managedHsm/keys/read/action"


class RoleDefinitions(unittest.TestCase):
    def test_built_in(self):
        names = {role.role_name for role in client.list_role_definitions(KeyVaultRoleScope.GLOBAL)}
        self.assertLessEqual({"Managed HSM Administrator", "Managed HSM Crypto User"}, names)

    def test_custom(self):
        permissions = [KeyVaultPermission(data_actions=[read_keys])]
        made = client.set_role_definition(KeyVaultRoleScope.GLOBAL, role_name="reader", permissions=permissions)
        self.assertEqual((made.role_type, made.permissions[0].data_actions), ("CustomRole", [read_keys]))
        again = client.set_role_definition(
            KeyVaultRoleScope.GLOBAL, name=made.name, role_name="reader", description="reads", permissions=permissions)
        self.assertEqual((again.id, again.description), (made.id, "reads"))
        self.assertEqual(client.get_role_definition(KeyVaultRoleScope.GLOBAL, made.name).role_name, "reader")
        client.delete_role_definition(KeyVaultRoleScope.GLOBAL, made.name)
        with self.assertRaises(ResourceNotFoundError):
            client.get_role_definition(KeyVaultRoleScope.GLOBAL, made.name)
        client.delete_role_definition(KeyVaultRoleScope.GLOBAL, made.name)


class RoleAssignments(unittest.TestCase):
    def test_at_each_scope(self):
        auditor = next(
            role for role in client.list_role_definitions("/") if role.role_name == "Managed HSM Crypto Auditor")
        for scope in ("/", "/keys", "/keys/some-key"):
            with self.subTest(scope):
                principal = str(uuid.uuid4())
                made = client.create_role_assignment(scope, auditor.id, principal)
                self.assertEqual((made.properties.scope, made.properties.principal_id), (scope, principal))
                self.assertEqual(client.get_role_assignment(scope, made.name).role_assignment_id, made.role_assignment_id)
                self.assertIn(made.name, [each.name for each in client.list_role_assignments(scope)])
                client.delete_role_assignment(scope, made.name)
                self.assertNotIn(made.name, [each.name for each in client.list_role_assignments(scope)])
                client.delete_role_assignment(scope, made.name)

    def test_an_unknown_role_is_refused(self):
        unknown = f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}"
        with self.assertRaises(HttpResponseError):
            client.create_role_assignment("/", unknown, str(uuid.uuid4()))


if __name__ == "__main__":
    unittest.main()
