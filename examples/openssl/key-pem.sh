#!/bin/sh
# Writes the URI of a key as the PEM file that pkcs11-provider takes for a private key, for servers that want a file:
#   key-pem.sh 'pkcs11:token=myhsm;object=tlsRsa;type=private' > rsa.key
# It holds no secret: whoever reads it knows the name of the key.
set -eu

[ $# = 1 ] || { echo "usage: key-pem.sh 'pkcs11:token=…;object=…;type=private'" >&2; exit 2; }

der=$(mktemp)
trap 'rm -f "$der"' EXIT
# Of RFC 7512: what OpenSSL's configuration reads otherwise (# $ \ ") stands percent-encoded in a URI.
openssl asn1parse -noout -out "$der" -genconf - >/dev/null <<END
asn1 = SEQUENCE:reference
[reference]
version = VISIBLESTRING:PKCS\\#11 Provider URI v1.0
uri = UTF8:$1
END
echo '-----BEGIN PKCS#11 PROVIDER URI-----'
openssl base64 -in "$der"
echo '-----END PKCS#11 PROVIDER URI-----'
