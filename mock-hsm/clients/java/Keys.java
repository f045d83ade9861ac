import static java.time.temporal.ChronoUnit.DAYS;
import static java.time.temporal.ChronoUnit.SECONDS;

import com.azure.core.http.rest.PagedResponse;
import com.azure.core.util.polling.SyncPoller;
import com.azure.security.keyvault.keys.KeyClient;
import com.azure.security.keyvault.keys.models.CreateEcKeyOptions;
import com.azure.security.keyvault.keys.models.CreateOctKeyOptions;
import com.azure.security.keyvault.keys.models.CreateRsaKeyOptions;
import com.azure.security.keyvault.keys.models.DeletedKey;
import com.azure.security.keyvault.keys.models.JsonWebKey;
import com.azure.security.keyvault.keys.models.KeyCurveName;
import com.azure.security.keyvault.keys.models.KeyOperation;
import com.azure.security.keyvault.keys.models.KeyProperties;
import com.azure.security.keyvault.keys.models.KeyRotationLifetimeAction;
import com.azure.security.keyvault.keys.models.KeyRotationPolicy;
import com.azure.security.keyvault.keys.models.KeyRotationPolicyAction;
import com.azure.security.keyvault.keys.models.KeyType;
import com.azure.security.keyvault.keys.models.KeyVaultKey;
import java.security.KeyPairGenerator;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Every operation of KeyClient. */
final class Keys {
    private static final KeyClient CLIENT = Connection.keyClient();

    private Keys() {
    }

    public static void main(String[] args) {
        Steps.run(steps -> {
            creation(steps);
            steps.step("import of an RSA key", Keys::importRsa);
            steps.step("get gives the newest version or the one named, update changes one", Keys::versions);
            steps.step("a list comes in pages whose links lead to the next", Keys::pages);
            steps.step("a key goes by delete, comes back by recover, and is gone after purge", Keys::deletion);
            steps.step("a backup restores a key that is gone", Keys::backup);
            steps.step("rotate makes a new version as the policy says", Keys::rotation);
            steps.step("random bytes are as many as asked for", () -> Steps.same(CLIENT.getRandomBytes(32).length, 32));
            steps.step("an attestation comes with the key", Keys::attestation);
            steps.step("a key without a policy is not released", () -> Steps.same(
                Connection.refusal(() -> CLIENT.releaseKey("rsa-2048", "a.b.c")), 400));
            steps.step("what is not there is 404, what cannot be is 400", Keys::refusals);
        });
    }

    private static void creation(Steps steps) {
        for (int size : new int[] {2048, 3072, 4096}) {
            steps.step("an RSA key of " + size + " bits", () -> {
                KeyVaultKey key = CLIENT.createRsaKey(
                    new CreateRsaKeyOptions("rsa-" + size).setKeySize(size).setHardwareProtected(true));
                Steps.same(key.getKeyType(), KeyType.RSA_HSM);
                Steps.same(key.getKey().getN().length, size / 8);
            });
        }
        for (String curve : List.of("P-256", "P-256K", "P-384", "P-521")) {
            steps.step("an EC key on " + curve, () -> {
                KeyVaultKey key = CLIENT.createEcKey(new CreateEcKeyOptions("ec-" + curve)
                    .setCurveName(KeyCurveName.fromString(curve)).setHardwareProtected(true));
                Steps.same(key.getKey().getCurveName(), KeyCurveName.fromString(curve));
            });
        }
        for (int size : new int[] {128, 192, 256}) {
            steps.step("an AES key of " + size + " bits", () -> Steps.same(
                CLIENT.createOctKey(new CreateOctKeyOptions("oct-" + size).setKeySize(size)).getKeyType(),
                KeyType.OCT_HSM));
        }
        steps.step("a key with everything that can be said of it", Keys::described);
    }

    private static void described() {
        OffsetDateTime now = OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(SECONDS);
        CreateRsaKeyOptions options = new CreateRsaKeyOptions("described");
        options.setEnabled(false).setNotBefore(now).setExpiresOn(now.plus(1, DAYS)).setTags(Map.of("a", "b"));
        options.setKeyOperations(KeyOperation.SIGN, KeyOperation.VERIFY);
        KeyVaultKey key = CLIENT.createRsaKey(options);
        KeyProperties properties = key.getProperties();
        Steps.same(key.getId(), Connection.POOL_URL + "/keys/described/" + properties.getVersion());
        Steps.same(Set.copyOf(key.getKeyOperations()), Set.of(KeyOperation.SIGN, KeyOperation.VERIFY));
        Steps.same(properties.isEnabled(), false);
        Steps.same(properties.getTags(), Map.of("a", "b"));
        Steps.same(properties.getNotBefore(), now);
        Steps.same(properties.getExpiresOn(), now.plus(1, DAYS));
        Steps.same(properties.getRecoverableDays(), 90);
    }

    private static void importRsa() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        JsonWebKey key = JsonWebKey.fromRsa(generator.generateKeyPair());
        KeyVaultKey imported = CLIENT.importKey("imported", key);
        Steps.same(imported.getKeyType(), KeyType.RSA_HSM);
        Steps.same(imported.getKey().getD(), null);
    }

    private static void versions() {
        KeyVaultKey first = CLIENT.createEcKey(new CreateEcKeyOptions("versions"));
        KeyVaultKey second = CLIENT.createEcKey(new CreateEcKeyOptions("versions"));
        Steps.same(CLIENT.getKey("versions").getId(), second.getId());
        Steps.same(CLIENT.getKey("versions", first.getProperties().getVersion()).getId(), first.getId());
        Set<String> listed = CLIENT.listPropertiesOfKeyVersions("versions").stream()
            .map(KeyProperties::getVersion).collect(Collectors.toSet());
        Steps.same(listed, Set.of(first.getProperties().getVersion(), second.getProperties().getVersion()));
        KeyProperties changed = second.getProperties().setEnabled(false).setTags(Map.of("a", "b"));
        KeyVaultKey updated = CLIENT.updateKeyProperties(changed, KeyOperation.VERIFY);
        Steps.same(updated.getProperties().isEnabled(), false);
        Steps.same(updated.getKeyOperations(), List.of(KeyOperation.VERIFY));
    }

    private static void pages() {
        for (int index = 0; index < 30; index++) {
            CLIENT.createOctKey(new CreateOctKeyOptions("page-" + index).setKeySize(128));
        }
        Set<String> names = new HashSet<>();
        int pages = 0;
        for (PagedResponse<KeyProperties> page : CLIENT.listPropertiesOfKeys().iterableByPage()) {
            pages++;
            page.getValue().forEach(each -> names.add(each.getName()));
        }
        Steps.check(pages >= 2, pages + " page");
        for (int index = 0; index < 30; index++) {
            Steps.check(names.contains("page-" + index), "page-" + index + " is missing");
        }
    }

    private static void deletion() throws Exception {
        CLIENT.createEcKey(new CreateEcKeyOptions("short-lived"));
        SyncPoller<DeletedKey, Void> deletion = CLIENT.beginDeleteKey("short-lived");
        Steps.same(deletion.poll().getValue().getRecoveryId(), Connection.POOL_URL + "/deletedkeys/short-lived");
        deletion.waitForCompletion();
        Steps.same(CLIENT.getDeletedKey("short-lived").getName(), "short-lived");
        Steps.check(CLIENT.listDeletedKeys().stream().anyMatch(each -> each.getName().equals("short-lived")), "list");
        Steps.same(Connection.refusal(() -> CLIENT.getKey("short-lived")), 404);
        Steps.same(Connection.refusal(() -> CLIENT.createEcKey(new CreateEcKeyOptions("short-lived"))), 409);
        SyncPoller<KeyVaultKey, Void> recovery = CLIENT.beginRecoverDeletedKey("short-lived");
        Steps.same(recovery.poll().getValue().getName(), "short-lived");
        recovery.waitForCompletion();
        CLIENT.beginDeleteKey("short-lived").waitForCompletion();
        CLIENT.purgeDeletedKey("short-lived");
        Steps.same(Connection.refusal(() -> CLIENT.getDeletedKey("short-lived")), 404);
    }

    private static void backup() {
        KeyVaultKey key = CLIENT.createEcKey(new CreateEcKeyOptions("kept"));
        byte[] backup = CLIENT.backupKey("kept");
        CLIENT.beginDeleteKey("kept").waitForCompletion();
        CLIENT.purgeDeletedKey("kept");
        Steps.same(CLIENT.restoreKeyBackup(backup).getId(), key.getId());
    }

    private static void rotation() {
        KeyVaultKey before = CLIENT.createRsaKey(new CreateRsaKeyOptions("rotated").setKeySize(2048));
        KeyRotationLifetimeAction action =
            new KeyRotationLifetimeAction(KeyRotationPolicyAction.ROTATE).setTimeBeforeExpiry("P30D");
        CLIENT.updateKeyRotationPolicy("rotated",
            new KeyRotationPolicy().setLifetimeActions(List.of(action)).setExpiresIn("P90D"));
        Steps.same(CLIENT.getKeyRotationPolicy("rotated").getExpiresIn(), "P90D");
        KeyVaultKey after = CLIENT.rotateKey("rotated");
        Steps.check(!after.getId().equals(before.getId()), "the version is the same");
        Steps.check(after.getProperties().getExpiresOn() != null, "no end");
    }

    private static void attestation() {
        CLIENT.createEcKey(new CreateEcKeyOptions("attested"));
        KeyVaultKey attested = CLIENT.getKeyAttestation("attested");
        Steps.check(attested.getProperties().getKeyAttestation().getCertificatePemFile().length > 0, "no certificate");
    }

    private static void refusals() throws Exception {
        Steps.same(Connection.refusal(() -> CLIENT.getKey("nowhere")), 404);
        Steps.same(Connection.refusal(
            () -> CLIENT.createRsaKey(new CreateRsaKeyOptions("odd").setKeySize(1024))), 400);
    }
}
