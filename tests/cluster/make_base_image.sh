#!/usr/bin/env bash
# Makes a base image of Debian and this machine's Python 3.10, where none can be pulled.
#   make_base_image.sh FOLDER IMAGE      (root; DOCKER_HOST says which engine)
set -euo pipefail
folder=$1 image=$2 root=$1/root
python=$(.venv/bin/python -c 'import sys; print(sys.base_prefix)')
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

mkdir -p "$folder"
debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" \
  > "$folder/debootstrap.log"
# Left out: its tests and static library, and what else is installed in it.
tar -C "$python" --exclude=test --exclude=idlelib --exclude='*.a' \
  --exclude='site-packages/*' --exclude=share -c . | tar -C "$root/usr/local" -x
chroot "$root" ldconfig
chroot "$root" /usr/local/bin/python3.10 -c 'import ctypes, ssl, venv'
# How this machine reaches Debian and Python packages, the image's build does too.
cp -r /etc/apt/. "$root/etc/apt/"
for file in /etc/ssl/certs/ca-certificates.crt /etc/pip.conf; do
  if [ -e "$file" ]; then cp "$file" "$root$file"; fi
done
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
certificates=/etc/ssl/certs/ca-certificates.crt
settings=(-c "ENV PIP_CERT=$certificates" -c "ENV SSL_CERT_FILE=$certificates")
for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST; do
  if [ -n "${!name:-}" ]; then settings+=(-c "ENV $name=${!name}"); fi
done
tar -C "$root" -c . | docker import "${settings[@]}" - "$image"
