import com.azure.core.credential.TokenCredential;
import com.azure.core.exception.HttpResponseException;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.security.keyvault.keys.KeyClient;
import com.azure.security.keyvault.keys.KeyClientBuilder;

/** The pool and the credential as a user's program would make them; where they are, the environment says. */
final class Connection {
    static final String POOL_URL =
        System.getenv().getOrDefault("POOL_URL", "https://mypool.managedhsm.azure.net");

    static final TokenCredential CREDENTIAL = credential();

    private Connection() {
    }

    /** With another authority than Azure's, MSAL must be told not to ask login.microsoftonline.com about it. */
    private static TokenCredential credential() {
        DefaultAzureCredentialBuilder builder = new DefaultAzureCredentialBuilder();
        if (System.getenv("AZURE_AUTHORITY_HOST") != null) {
            builder.disableInstanceDiscovery();
        }
        return builder.build();
    }

    static KeyClient keyClient() {
        return new KeyClientBuilder().vaultUrl(POOL_URL).credential(CREDENTIAL).buildClient();
    }

    /** The status that the service refuses the call with. */
    static int refusal(Steps.Step call) throws Exception {
        try {
            call.run();
        } catch (HttpResponseException refused) {
            return refused.getResponse().getStatusCode();
        }
        throw new AssertionError("it was not refused");
    }
}
