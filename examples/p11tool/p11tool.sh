#!/bin/sh
# p11tool, certtool and gnutls-serv of GnuTLS on the keys in the HSM, logged in:
#   p11tool.sh p11tool --list-all
#   p11tool.sh certtool --generate-request --load-privkey 'pkcs11:token=myhsm;object=tlsRsa;type=private' --template certificate.cfg
# Change: MODULE, where the module is, and PIN_FILE, a file of mode 0600 that holds client-id:client-secret.
MODULE=${MHSM_PKCS11_MODULE:-/usr/lib/libmhsm-pkcs11.so}
PIN_FILE=${MHSM_PKCS11_PIN_FILE:-/etc/mhsm-pkcs11.pin}

GNUTLS_PIN=$(cat "$PIN_FILE") || exit
export GNUTLS_PIN
program=$1
shift
[ "$program" != p11tool ] || set -- --login "$@"
exec "$program" --provider "$MODULE" "$@"
