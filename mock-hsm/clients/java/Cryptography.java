import com.azure.core.util.Context;
import com.azure.security.keyvault.keys.KeyClient;
import com.azure.security.keyvault.keys.cryptography.CryptographyClient;
import com.azure.security.keyvault.keys.cryptography.CryptographyClientBuilder;
import com.azure.security.keyvault.keys.cryptography.models.DecryptParameters;
import com.azure.security.keyvault.keys.cryptography.models.EncryptParameters;
import com.azure.security.keyvault.keys.cryptography.models.EncryptResult;
import com.azure.security.keyvault.keys.cryptography.models.EncryptionAlgorithm;
import com.azure.security.keyvault.keys.cryptography.models.KeyWrapAlgorithm;
import com.azure.security.keyvault.keys.cryptography.models.SignatureAlgorithm;
import com.azure.security.keyvault.keys.models.CreateEcKeyOptions;
import com.azure.security.keyvault.keys.models.CreateOctKeyOptions;
import com.azure.security.keyvault.keys.models.CreateRsaKeyOptions;
import com.azure.security.keyvault.keys.models.KeyCurveName;
import com.azure.security.keyvault.keys.models.KeyVaultKey;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.util.List;
import java.util.Map;

/** Every operation of CryptographyClient with every algorithm of the service. */
final class Cryptography {
    private static final KeyClient KEYS = Connection.keyClient();
    private static final byte[] MESSAGE = "to be signed".getBytes(StandardCharsets.UTF_8);

    private Cryptography() {
    }

    public static void main(String[] args) {
        Steps.run(steps -> {
            KeyVaultKey rsa = KEYS.createRsaKey(new CreateRsaKeyOptions("rsa").setKeySize(2048));
            CryptographyClient client = of(rsa);
            for (String algorithm : List.of("RSA1_5", "RSA-OAEP", "RSA-OAEP-256")) {
                steps.step(algorithm + " encrypts and wraps", () -> rsaCiphers(client, algorithm));
            }
            for (String bits : List.of("256", "384", "512")) {
                steps.step("RS" + bits + " signs", () -> signs(client, "RS" + bits, "SHA-" + bits));
                steps.step("PS" + bits + " signs", () -> signs(client, "PS" + bits, "SHA-" + bits));
            }
            steps.step("Java's own RSA takes a signature for good", () -> {
                byte[] signature = client.signData(SignatureAlgorithm.RS256, MESSAGE).getSignature();
                PublicKey key = rsa.getKey().toRsa().getPublic();
                Signature judge = Signature.getInstance("SHA256withRSA");
                judge.initVerify(key);
                judge.update(MESSAGE);
                Steps.check(judge.verify(signature), "wrong signature");
            });
            ec(steps);
            for (int bits : new int[] {128, 192, 256}) {
                aes(steps, bits);
            }
        });
    }

    private static CryptographyClient of(KeyVaultKey key) {
        return new CryptographyClientBuilder().keyIdentifier(key.getId()).credential(Connection.CREDENTIAL)
            .buildClient();
    }

    private static byte[] random(int count) {
        byte[] bytes = new byte[count];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }

    private static void rsaCiphers(CryptographyClient client, String algorithm) {
        byte[] plaintext = random(32);
        EncryptionAlgorithm encryption = EncryptionAlgorithm.fromString(algorithm);
        byte[] ciphertext = client.encrypt(encryption, plaintext).getCipherText();
        Steps.same(client.decrypt(encryption, ciphertext).getPlainText(), plaintext);
        KeyWrapAlgorithm wrapping = KeyWrapAlgorithm.fromString(algorithm);
        byte[] wrapped = client.wrapKey(wrapping, plaintext).getEncryptedKey();
        Steps.same(client.unwrapKey(wrapping, wrapped).getKey(), plaintext);
    }

    private static void signs(CryptographyClient client, String name, String hash) throws Exception {
        SignatureAlgorithm algorithm = SignatureAlgorithm.fromString(name);
        byte[] digest = MessageDigest.getInstance(hash).digest(MESSAGE);
        byte[] signature = client.sign(algorithm, digest).getSignature();
        Steps.check(client.verify(algorithm, digest, signature).isValid(), "its own signature is refused");
        byte[] other = signature.clone();
        other[other.length / 2] ^= 1;
        Steps.check(!client.verify(algorithm, digest, other).isValid(), "a changed signature is accepted");
        byte[] ofData = client.signData(algorithm, MESSAGE).getSignature();
        Steps.check(client.verifyData(algorithm, MESSAGE, ofData).isValid(), "the signature of data is refused");
    }

    private static void ec(Steps steps) {
        Map<String, String[]> curves = Map.of(
            "P-256", new String[] {"ES256", "SHA-256"}, "P-256K", new String[] {"ES256K", "SHA-256"},
            "P-384", new String[] {"ES384", "SHA-384"}, "P-521", new String[] {"ES512", "SHA-512"});
        curves.forEach((curve, names) -> steps.step(names[0] + " signs", () -> {
            CreateEcKeyOptions options =
                new CreateEcKeyOptions("ec-" + curve).setCurveName(KeyCurveName.fromString(curve));
            signs(of(KEYS.createEcKey(options)), names[0], names[1]);
        }));
    }

    private static void aes(Steps steps, int bits) {
        CryptographyClient client =
            of(KEYS.createOctKey(new CreateOctKeyOptions("oct-" + bits).setKeySize(bits)));
        byte[] plaintext = random(48);
        steps.step("A" + bits + "GCM encrypts", () -> {
            byte[] context = random(16);
            EncryptResult sealed = client.encrypt(gcm(bits, plaintext, context), Context.NONE);
            DecryptParameters opening = openGcm(bits, sealed, context);
            Steps.same(client.decrypt(opening, Context.NONE).getPlainText(), plaintext);
            Steps.same(Connection.refusal(
                () -> client.decrypt(openGcm(bits, sealed, random(16)), Context.NONE)), 400);
        });
        steps.step("A" + bits + "CBC and CBCPAD encrypt", () -> {
            byte[] iv = random(16);
            EncryptResult cbc = client.encrypt(cbc(bits, plaintext, iv), Context.NONE);
            Steps.same(client.decrypt(openCbc(bits, cbc), Context.NONE).getPlainText(), plaintext);
            byte[] odd = random(17);
            EncryptResult padded = client.encrypt(cbcPad(bits, odd, iv), Context.NONE);
            Steps.same(client.decrypt(openCbcPad(bits, padded), Context.NONE).getPlainText(), odd);
        });
        steps.step("A" + bits + "KW wraps", () -> {
            KeyWrapAlgorithm wrapping = KeyWrapAlgorithm.fromString("A" + bits + "KW");
            byte[] wrapped = client.wrapKey(wrapping, plaintext).getEncryptedKey();
            Steps.same(client.unwrapKey(wrapping, wrapped).getKey(), plaintext);
        });
    }

    private static EncryptParameters gcm(int bits, byte[] plaintext, byte[] context) {
        return switch (bits) {
            case 128 -> EncryptParameters.createA128GcmParameters(plaintext, context);
            case 192 -> EncryptParameters.createA192GcmParameters(plaintext, context);
            default -> EncryptParameters.createA256GcmParameters(plaintext, context);
        };
    }

    private static DecryptParameters openGcm(int bits, EncryptResult sealed, byte[] context) {
        byte[] text = sealed.getCipherText();
        byte[] iv = sealed.getIv();
        byte[] tag = sealed.getAuthenticationTag();
        return switch (bits) {
            case 128 -> DecryptParameters.createA128GcmParameters(text, iv, tag, context);
            case 192 -> DecryptParameters.createA192GcmParameters(text, iv, tag, context);
            default -> DecryptParameters.createA256GcmParameters(text, iv, tag, context);
        };
    }

    private static EncryptParameters cbc(int bits, byte[] plaintext, byte[] iv) {
        return switch (bits) {
            case 128 -> EncryptParameters.createA128CbcParameters(plaintext, iv);
            case 192 -> EncryptParameters.createA192CbcParameters(plaintext, iv);
            default -> EncryptParameters.createA256CbcParameters(plaintext, iv);
        };
    }

    private static DecryptParameters openCbc(int bits, EncryptResult sealed) {
        return switch (bits) {
            case 128 -> DecryptParameters.createA128CbcParameters(sealed.getCipherText(), sealed.getIv());
            case 192 -> DecryptParameters.createA192CbcParameters(sealed.getCipherText(), sealed.getIv());
            default -> DecryptParameters.createA256CbcParameters(sealed.getCipherText(), sealed.getIv());
        };
    }

    private static EncryptParameters cbcPad(int bits, byte[] plaintext, byte[] iv) {
        return switch (bits) {
            case 128 -> EncryptParameters.createA128CbcPadParameters(plaintext, iv);
            case 192 -> EncryptParameters.createA192CbcPadParameters(plaintext, iv);
            default -> EncryptParameters.createA256CbcPadParameters(plaintext, iv);
        };
    }

    private static DecryptParameters openCbcPad(int bits, EncryptResult sealed) {
        return switch (bits) {
            case 128 -> DecryptParameters.createA128CbcPadParameters(sealed.getCipherText(), sealed.getIv());
            case 192 -> DecryptParameters.createA192CbcPadParameters(sealed.getCipherText(), sealed.getIv());
            default -> DecryptParameters.createA256CbcPadParameters(sealed.getCipherText(), sealed.getIv());
        };
    }
}
