#!/usr/bin/env bash
# Makes a base image for BASE_IMAGE out of Debian packages, where no public image registry is in reach:
# CPython 3.13 of Debian 13, libstdc++, certificates and time zones; no shell, no package manager.
#   scripts/minimal_base.sh NAME [podman]      needs mmdebstrap and podman (or docker)
set -euo pipefail
name=$1 tool=${2:-podman}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "extract" unpacks packages and runs nothing of theirs, so that neither dpkg nor a shell has to be inside.
mmdebstrap --quiet --variant=extract --include=python3,libstdc++6,ca-certificates,tzdata,netbase \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
	trixie "$work/root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} </dev/null
cd "$work/root"

for folder in bin sbin lib lib64; do
	[ -e "$folder" ] || ln -s "usr/$folder" "$folder"
done
mkdir -p proc sys run root
printf 'root:x:0:0:root:/root:/usr/sbin/nologin\napp:x:10001:10001:app:/nonexistent:/usr/sbin/nologin\n' >etc/passwd
printf 'root:x:0:\napp:x:10001:\n' >etc/group
mkdir -p etc/ssl/certs
cat usr/share/ca-certificates/mozilla/*.crt >etc/ssl/certs/ca-certificates.crt

# What the packages bring and no Python program uses, and what would differ from machine to machine.
rm -rf usr/bin/{dpkg*,debconf*,tar,openssl,c_rehash,update-alternatives} usr/sbin/* \
	usr/share/{perl5,debconf,pixmaps,lintian,bash-completion,ca-certificates} \
	usr/lib/x86_64-linux-gnu/{gconv,engines-3} usr/lib/{apt,dpkg} \
	usr/lib/python3.13/{pydoc_data,ensurepip,idlelib,turtledemo,test} \
	etc/{resolv.conf,hostname,fstab,apt,dpkg,cron.daily,logrotate.d} var/cache/* var/lib/apt
chroot . /usr/bin/python3.13 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3.13 || true

tar --sort=name --numeric-owner --mtime='2026-01-01 00:00Z' -cf "$work/base.tar" .
"$tool" import --quiet --change 'USER 10001:10001' "$work/base.tar" "$name"
