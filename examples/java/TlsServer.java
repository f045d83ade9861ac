import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.Provider;
import java.security.Security;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * Serves TLS with the keys in the HSM: java TlsServer.java pkcs11.cfg pin-file port
 *
 * Port 0 takes a free one; the first line on standard output names it.
 */
public class TlsServer {
    public static void main(String[] args) throws Exception {
        Provider hsm = Security.getProvider("SunPKCS11").configure(args[0]);
        // TLS looks for the one who can sign among the registered providers.
        Security.addProvider(hsm);
        KeyStore keys = KeyStore.getInstance("PKCS11", hsm);
        keys.load(null, Files.readString(Path.of(args[1])).toCharArray());
        KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX");
        managers.init(keys, null);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        int port = Integer.parseInt(args[2]);
        try (var server = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(port)) {
            System.out.println("serving at port " + server.getLocalPort());
            while (true) {
                try (SSLSocket client = (SSLSocket) server.accept()) {
                    client.startHandshake();
                    client.getOutputStream().write("served by Java\n".getBytes());
                } catch (java.io.IOException error) {
                    System.err.println(error);
                }
            }
        }
    }
}
