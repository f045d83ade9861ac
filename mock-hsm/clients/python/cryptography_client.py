"""Every operation of CryptographyClient with every algorithm; the cryptography package is the judge."""
import hashlib
import os
import unittest

from azure.core.exceptions import HttpResponseError
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from connection import credential, pool_url
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

client = KeyClient(pool_url, credential)
message = b"to be signed"


class Rsa(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.key = client.create_rsa_key("rsa", size=2048)
        cls.cryptography = CryptographyClient(cls.key, credential)
        cls.public = rsa.RSAPublicNumbers(
            int.from_bytes(cls.key.key.e, "big"), int.from_bytes(cls.key.key.n, "big")).public_key()

    def test_encrypt_and_wrap(self):
        for algorithm in ("RSA1_5", "RSA-OAEP", "RSA-OAEP-256"):
            with self.subTest(algorithm):
                plaintext = os.urandom(32)
                encrypted = self.cryptography.encrypt(EncryptionAlgorithm(algorithm), plaintext)
                self.assertEqual(self.cryptography.decrypt(encrypted.algorithm, encrypted.ciphertext).plaintext, plaintext)
                wrapped = self.cryptography.wrap_key(KeyWrapAlgorithm(algorithm), plaintext)
                self.assertEqual(self.cryptography.unwrap_key(wrapped.algorithm, wrapped.encrypted_key).key, plaintext)

    def test_sign_and_verify(self):
        for bits in (256, 384, 512):
            digest = hashlib.new(f"sha{bits}", message).digest()
            hashed = utils.Prehashed({256: hashes.SHA256, 384: hashes.SHA384, 512: hashes.SHA512}[bits]())
            pss = padding.PSS(padding.MGF1(hashed._algorithm), bits // 8)
            for algorithm, expected in ((f"RS{bits}", padding.PKCS1v15()), (f"PS{bits}", pss)):
                with self.subTest(algorithm):
                    signed = self.cryptography.sign(SignatureAlgorithm(algorithm), digest)
                    self.public.verify(signed.signature, digest, expected, hashed)
                    self.assertTrue(self.cryptography.verify(signed.algorithm, digest, signed.signature).is_valid)
                    self.assertFalse(self.cryptography.verify(signed.algorithm, digest, os.urandom(256)).is_valid)

    def test_as_a_private_key_of_the_cryptography_package(self):
        private = self.cryptography.create_rsa_private_key()
        signature = private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        self.public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


class Ec(unittest.TestCase):
    def test_sign_and_verify(self):
        for algorithm, curve, bits in (
            ("ES256", "P-256", 256), ("ES256K", "P-256K", 256), ("ES384", "P-384", 384), ("ES512", "P-521", 512)
        ):
            with self.subTest(algorithm):
                key = client.create_ec_key(f"ec-{curve}", curve=curve)
                # By its id the client fetches the key first; without version it takes the newest.
                cryptography = CryptographyClient(f"{pool_url}/keys/ec-{curve}", credential)
                digest = hashlib.new(f"sha{bits}", message).digest()
                signed = cryptography.sign(SignatureAlgorithm(algorithm), digest)
                self.assertEqual(signed.key_id, key.id)
                self.assertTrue(cryptography.verify(signed.algorithm, digest, signed.signature).is_valid)
                self.assertFalse(cryptography.verify(signed.algorithm, digest, os.urandom(len(signed.signature))).is_valid)


class Aes(unittest.TestCase):
    def test_encrypt_and_wrap(self):
        for bits in (128, 192, 256):
            client.create_oct_key(f"oct-{bits}", size=bits)
            cryptography = client.get_cryptography_client(f"oct-{bits}")
            plaintext = os.urandom(48)
            with self.subTest(f"A{bits}GCM"):
                sealed = cryptography.encrypt(
                    EncryptionAlgorithm(f"A{bits}GCM"), plaintext, additional_authenticated_data=b"context")
                opened = cryptography.decrypt(
                    sealed.algorithm, sealed.ciphertext, iv=sealed.iv, authentication_tag=sealed.tag,
                    additional_authenticated_data=sealed.aad)
                self.assertEqual(opened.plaintext, plaintext)
                with self.assertRaises(HttpResponseError):
                    cryptography.decrypt(sealed.algorithm, sealed.ciphertext, iv=sealed.iv, authentication_tag=bytes(16))
            for algorithm in (f"A{bits}CBC", f"A{bits}CBCPAD"):
                with self.subTest(algorithm):
                    sealed = cryptography.encrypt(EncryptionAlgorithm(algorithm), plaintext, iv=os.urandom(16))
                    opened = cryptography.decrypt(sealed.algorithm, sealed.ciphertext, iv=sealed.iv)
                    self.assertEqual(opened.plaintext, plaintext)
            with self.subTest(f"A{bits}KW"):
                wrapped = cryptography.wrap_key(KeyWrapAlgorithm(f"A{bits}KW"), plaintext)
                self.assertEqual(cryptography.unwrap_key(wrapped.algorithm, wrapped.encrypted_key).key, plaintext)


if __name__ == "__main__":
    unittest.main()
