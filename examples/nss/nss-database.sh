#!/bin/sh
# A database for programs of NSS (certutil, Firefox, Apache's mod_nss) that knows the keys in the HSM:
#   nss-database.sh /etc/pki/mhsm
#   certutil -K -d sql:/etc/pki/mhsm -h myhsm -f pin
# Change: MODULE, where the module is. The file named with -f holds client-id:client-secret, mode 0600.
set -eu
MODULE=${MHSM_PKCS11_MODULE:-/usr/lib/libmhsm-pkcs11.so}
folder=$1

mkdir -p "$folder"
[ -e "$folder/cert9.db" ] || certutil -N -d "sql:$folder" --empty-password
modutil -force -dbdir "sql:$folder" -add mhsm -libfile "$MODULE"
