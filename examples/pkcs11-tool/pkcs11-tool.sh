#!/bin/sh
# pkcs11-tool on the keys in the HSM, logged in: pkcs11-tool.sh --list-objects
# Change: MODULE, where the module is, and PIN_FILE, a file of mode 0600 that holds client-id:client-secret.
MODULE=${MHSM_PKCS11_MODULE:-/usr/lib/libmhsm-pkcs11.so}
PIN_FILE=${MHSM_PKCS11_PIN_FILE:-/etc/mhsm-pkcs11.pin}

# In the environment, because arguments can be read by everybody.
PIN=$(cat "$PIN_FILE") || exit
export PIN
exec pkcs11-tool --module "$MODULE" --login --pin env:PIN "$@"
