import com.azure.core.util.Context;
import com.azure.security.keyvault.administration.KeyVaultAccessControlClient;
import com.azure.security.keyvault.administration.KeyVaultAccessControlClientBuilder;
import com.azure.security.keyvault.administration.models.KeyVaultDataAction;
import com.azure.security.keyvault.administration.models.KeyVaultPermission;
import com.azure.security.keyvault.administration.models.KeyVaultRoleAssignment;
import com.azure.security.keyvault.administration.models.KeyVaultRoleDefinition;
import com.azure.security.keyvault.administration.models.KeyVaultRoleScope;
import com.azure.security.keyvault.administration.models.SetRoleDefinitionOptions;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/** Every operation of KeyVaultAccessControlClient, as the administrator. */
final class AccessControl {
    private static final KeyVaultAccessControlClient CLIENT = new KeyVaultAccessControlClientBuilder()
        .vaultUrl(Connection.POOL_URL).credential(Connection.CREDENTIAL).buildClient();

    private AccessControl() {
    }

    public static void main(String[] args) {
        Steps.run(steps -> {
            steps.step("a custom role is made, changed, read and deleted", AccessControl::definitions);
            for (String scope : List.of("/", "/keys", "/keys/some-key")) {
                steps.step("a role is assigned and taken away at " + scope, () -> assignments(scope));
            }
            steps.step("a role that is not there cannot be assigned", AccessControl::unknownRole);
        });
    }

    private static void definitions() throws Exception {
        KeyVaultPermission reading =
            new KeyVaultPermission(List.of(), List.of(), List.of(KeyVaultDataAction.READ_HSM_KEY), List.of());
        String name = UUID.randomUUID().toString();
        SetRoleDefinitionOptions options = new SetRoleDefinitionOptions(KeyVaultRoleScope.GLOBAL, name)
            .setRoleName("reader").setPermissions(List.of(reading));
        CLIENT.setRoleDefinitionWithResponse(options, Context.NONE);
        CLIENT.setRoleDefinitionWithResponse(options.setDescription("reads"), Context.NONE);
        KeyVaultRoleDefinition made = CLIENT.getRoleDefinition(KeyVaultRoleScope.GLOBAL, name);
        Steps.same(made.getDescription(), "reads");
        Steps.same(Set.copyOf(made.getPermissions().get(0).getDataActions()), Set.of(KeyVaultDataAction.READ_HSM_KEY));
        CLIENT.deleteRoleDefinition(KeyVaultRoleScope.GLOBAL, name);
        Steps.same(Connection.refusal(() -> CLIENT.getRoleDefinition(KeyVaultRoleScope.GLOBAL, name)), 404);
    }

    private static void assignments(String where) throws Exception {
        KeyVaultRoleScope scope = KeyVaultRoleScope.fromString(where);
        String auditor = CLIENT.listRoleDefinitions(scope).stream()
            .filter(role -> role.getRoleName().equals("Managed HSM Crypto Auditor")).findFirst().orElseThrow().getId();
        String principal = UUID.randomUUID().toString();
        KeyVaultRoleAssignment made = CLIENT.createRoleAssignment(scope, auditor, principal);
        Steps.same(made.getProperties().getPrincipalId(), principal);
        Steps.same(made.getProperties().getScope(), scope);
        Steps.same(CLIENT.getRoleAssignment(scope, made.getName()).getId(), made.getId());
        Steps.check(isListed(scope, made), "not in the list");
        CLIENT.deleteRoleAssignment(scope, made.getName());
        Steps.check(!isListed(scope, made), "still in the list");
    }

    private static boolean isListed(KeyVaultRoleScope scope, KeyVaultRoleAssignment made) {
        return CLIENT.listRoleAssignments(scope).stream().anyMatch(each -> each.getName().equals(made.getName()));
    }

    private static void unknownRole() throws Exception {
        String unknown = "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/" + UUID.randomUUID();
        int status = Connection.refusal(
            () -> CLIENT.createRoleAssignment(KeyVaultRoleScope.GLOBAL, unknown, UUID.randomUUID().toString()));
        Steps.check(status >= 400 && status < 500, "status " + status);
    }
}
