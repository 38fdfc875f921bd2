#!/bin/sh
# Copies the database while Easel runs, and the copy to a second place: BACKUP_TO, as rsync takes it over ssh
# (user@host:folder/). One copy for each day of the week is kept in both places. Fails when any of it did not work.
set -eu
umask 077
: "${BACKUP_TO:?write BACKUP_TO=user@host:folder/ into /opt/easel/backup.env}"
home=/var/lib/easel
copy=$home/backups/easel-$(date +%u).db

mkdir -p "$home/backups"
# Under another name first: a copy that breaks off must not take the place of the last good one.
rm -f "$copy.new"
/opt/easel/.venv/bin/python -m bot backup "$copy.new"
mv -f "$copy.new" "$copy"

rsync --times --chmod=F600 \
    --rsh "ssh -i $home/backup-key -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=$home/backup-hosts" \
    "$copy" "$BACKUP_TO"
echo "$(basename "$copy") is here and at $BACKUP_TO"
