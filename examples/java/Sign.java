import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;

/**
 * Signs a file with a key in the HSM: java Sign.java pkcs11.cfg pin-file alias SHA256withRSA file signature
 *
 * The alias is the label of a certificate in the configuration of the module.
 */
public class Sign {
    public static void main(String[] args) throws Exception {
        Provider hsm = Security.getProvider("SunPKCS11").configure(args[0]);
        KeyStore keys = KeyStore.getInstance("PKCS11", hsm);
        keys.load(null, Files.readString(Path.of(args[1])).toCharArray());
        PrivateKey key = (PrivateKey) keys.getKey(args[2], null);
        Signature signature = Signature.getInstance(args[3], hsm);
        signature.initSign(key);
        signature.update(Files.readAllBytes(Path.of(args[4])));
        Files.write(Path.of(args[5]), signature.sign());
    }
}
