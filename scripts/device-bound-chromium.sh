#!/usr/bin/env bash
# Fetches a Chromium that keeps device-bound sessions with keys in software, from Debian's archive, without installing it,
# and prints where it is: for DEVICE_BOUND_CHROMIUM_PATH. Its libraries are those of the installed Chromium.
set -euo pipefail
folder=${1:?say into which folder}
mkdir -p "$folder"
cd "$folder"
version=$(apt-cache madison chromium | awk '{ print $3 }' | grep -m 1 '^150\.' || true)
if [ -z "$version" ]; then
  echo 'There is no Chromium 150 in the archive of this system.' >&2
  exit 1
fi
apt-get download "chromium=$version" "chromium-common=$version" >&2
for package in ./*.deb; do dpkg -x "$package" root; done
rm ./*.deb
echo "$PWD/root/usr/lib/chromium/chromium"
