#!/bin/sh
# Gives ssh, ssh-add and ssh-keygen the PIN: SSH_ASKPASS=/etc/ssh/askpass.sh SSH_ASKPASS_REQUIRE=force ssh …
# Change: PIN_FILE, a file of mode 0600 that holds client-id:client-secret.
exec cat "${MHSM_PKCS11_PIN_FILE:-/etc/mhsm-pkcs11.pin}"
