"""Every operation of KeyClient, run by `python -m unittest`."""
import unittest
from datetime import datetime, timedelta, timezone

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.keys import ApiVersion, JsonWebKey, KeyClient, KeyRotationLifetimeAction, KeyRotationPolicy, KeyRotationPolicyAction
from connection import credential, pool_url
from cryptography.hazmat.primitives.asymmetric import rsa

client = KeyClient(pool_url, credential)


def to_bytes(number):
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


class Create(unittest.TestCase):
    def test_rsa(self):
        key = client.create_rsa_key("rsa", size=3072, hardware_protected=True)
        self.assertEqual((key.key_type, len(key.key.n)), ("RSA-HSM", 384))
        self.assertEqual(key.id, f"{pool_url}/keys/rsa/{key.properties.version}")
        self.assertEqual(key.properties.vault_url, pool_url)

    def test_ec_on_every_curve(self):
        for curve, size in (("P-256", 32), ("P-256K", 32), ("P-384", 48), ("P-521", 66)):
            with self.subTest(curve):
                key = client.create_ec_key(f"ec-{curve}", curve=curve, hardware_protected=True)
                self.assertEqual((key.key_type, key.key.crv), ("EC-HSM", curve))
                self.assertEqual((len(key.key.x), len(key.key.y)), (size, size))

    def test_oct_of_every_size(self):
        for size in (128, 192, 256):
            with self.subTest(size):
                self.assertEqual(client.create_oct_key(f"oct-{size}", size=size).key_type, "oct-HSM")

    def test_everything_that_can_be_said(self):
        now = datetime.now(timezone.utc).replace(microsecond=0)
        key = client.create_key(
            "described", "RSA-HSM", size=2048, key_operations=["sign", "verify"], enabled=False,
            not_before=now, expires_on=now + timedelta(days=1), tags={"a": "b"},
        )
        self.assertEqual(sorted(key.key_operations), ["sign", "verify"])
        properties = key.properties
        self.assertEqual((properties.enabled, properties.tags), (False, {"a": "b"}))
        self.assertEqual((properties.not_before, properties.expires_on), (now, now + timedelta(days=1)))
        self.assertEqual((properties.recoverable_days, properties.recovery_level), (90, "Recoverable+Purgeable"))

    def test_every_version_of_the_service_that_the_client_knows(self):
        for version in ApiVersion:
            with self.subTest(version):
                KeyClient(pool_url, credential, api_version=version).create_ec_key("any-version", curve="P-256")


class Life(unittest.TestCase):
    def test_import(self):
        private = rsa.generate_private_key(65537, 2048).private_numbers()
        public = private.public_numbers
        parts = {
            "n": public.n, "e": public.e, "d": private.d, "p": private.p, "q": private.q,
            "dp": private.dmp1, "dq": private.dmq1, "qi": private.iqmp,
        }
        jwk = JsonWebKey(kty="RSA-HSM", key_ops=["sign", "verify"], **{k: to_bytes(v) for k, v in parts.items()})
        key = client.import_key("imported", jwk)
        self.assertEqual((key.key.n, key.key.d), (to_bytes(public.n), None))

    def test_versions_and_update(self):
        first = client.create_ec_key("versions", curve="P-256", tags={"a": "b"})
        second = client.create_ec_key("versions", curve="P-256")
        self.assertEqual(client.get_key("versions").properties.version, second.properties.version)
        self.assertEqual(client.get_key("versions", first.properties.version).id, first.id)
        listed = {each.version for each in client.list_properties_of_key_versions("versions")}
        self.assertEqual(listed, {first.properties.version, second.properties.version})
        changed = client.update_key_properties("versions", first.properties.version, enabled=False)
        self.assertEqual((changed.properties.enabled, changed.properties.tags), (False, {"a": "b"}))

    def test_list_in_pages(self):
        for index in range(5):
            client.create_oct_key(f"page-{index}", size=128)
        pages = [list(page) for page in client.list_properties_of_keys(max_page_size=2).by_page()]
        self.assertTrue(len(pages) >= 3 and all(len(page) <= 2 for page in pages))
        names = {each.name for page in pages for each in page}
        self.assertLessEqual({f"page-{index}" for index in range(5)}, names)

    def test_delete_recover_purge(self):
        client.create_ec_key("short-lived", curve="P-256")
        deleted = client.begin_delete_key("short-lived").result()
        self.assertEqual(deleted.recovery_id, f"{pool_url}/deletedkeys/short-lived")
        self.assertEqual(client.get_deleted_key("short-lived").name, "short-lived")
        self.assertIn("short-lived", [each.name for each in client.list_deleted_keys()])
        with self.assertRaises(ResourceNotFoundError):
            client.get_key("short-lived")
        with self.assertRaises(ResourceExistsError):
            client.create_ec_key("short-lived")
        self.assertEqual(client.begin_recover_deleted_key("short-lived").result().name, "short-lived")
        client.begin_delete_key("short-lived").wait()
        client.purge_deleted_key("short-lived")
        with self.assertRaises(ResourceNotFoundError):
            client.get_deleted_key("short-lived")

    def test_backup_restore(self):
        key = client.create_ec_key("kept", curve="P-256")
        backup = client.backup_key("kept")
        client.begin_delete_key("kept").wait()
        client.purge_deleted_key("kept")
        self.assertEqual(client.restore_key_backup(backup).id, key.id)

    def test_rotate_by_a_policy(self):
        before = client.create_rsa_key("rotated", size=2048)
        action = KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_before_expiry="P30D")
        client.update_key_rotation_policy("rotated", KeyRotationPolicy(lifetime_actions=[action], expires_in="P90D"))
        policy = client.get_key_rotation_policy("rotated")
        self.assertEqual((policy.expires_in, policy.lifetime_actions[0].time_before_expiry), ("P90D", "P30D"))
        after = client.rotate_key("rotated")
        self.assertNotEqual(after.id, before.id)
        self.assertIsNotNone(after.properties.expires_on)

    def test_random(self):
        self.assertEqual(len(client.get_random_bytes(32)), 32)

    def test_attestation(self):
        client.create_ec_key("attested", curve="P-256")
        attestation = client.get_key_attestation("attested").properties.attestation
        self.assertTrue(attestation.certificate_pem_file.startswith(b"-----BEGIN CERTIFICATE-----"))

    def test_a_key_without_a_policy_is_not_released(self):
        client.create_rsa_key("stays", size=2048)
        with self.assertRaises(HttpResponseError) as refused:
            client.release_key("stays", "a.b.c")
        self.assertEqual(refused.exception.status_code, 400)

    def test_refusals(self):
        with self.assertRaises(ResourceNotFoundError) as refused:
            client.get_key("nowhere")
        self.assertEqual(refused.exception.error.code, "KeyNotFound")
        with self.assertRaises(HttpResponseError) as refused:
            client.create_rsa_key("odd", size=1024)
        self.assertEqual((refused.exception.status_code, refused.exception.error.code), (400, "BadParameter"))


if __name__ == "__main__":
    unittest.main()
