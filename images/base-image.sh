#!/usr/bin/env bash
# Make a stand-in for python:3.11-slim-bookworm from Debian packages, for a machine that reaches no image registry.
#
# usage: images/base-image.sh [NAME]         needs root, debootstrap and a Docker engine
# MIRROR names another Debian mirror than debootstrap's own.
#
# Certificates that this host trusts besides the usual ones go in as well: behind a proxy that opens connections,
# pip could not download anything during the build otherwise. So keep this base to yourself; the Dockerfiles need
# none of it and are built on python:3.11-slim-bookworm everywhere else.
set -euo pipefail

name=${1:-armillary-base:bookworm-python3.11}
own_certificates=/usr/local/share/ca-certificates

fail() { printf '%s\n%s\n' "$1" "$2" >&2; exit 2; }
[ "$(id -u)" = 0 ] || fail "debootstrap needs root." "Run it as root: sudo make base-image"
command -v debootstrap >/dev/null || fail "debootstrap is not installed." "apt-get install debootstrap"
docker version >/dev/null 2>&1 || fail "No Docker engine answers." "apt-get install docker.io, and start dockerd"

root=$(mktemp -d /tmp/armillary-base.XXXXXX)
trap 'rm -rf "$root"' EXIT

echo "Installing Debian bookworm with Python 3.11 into $root; this takes about a minute."
debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip bookworm "$root" \
  ${MIRROR:+"$MIRROR"} > "$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; fail "debootstrap failed." "Read $root.log"; }
rm "$root.log"

# Debian's pip refuses to install beside Debian's packages; in an image there is nobody to protect.
rm -f "$root"/usr/lib/python3.11/EXTERNALLY-MANAGED
ln -s python3 "$root/usr/bin/python"
if [ -n "$(find "$own_certificates" -name '*.crt' -print -quit 2>/dev/null)" ]; then
  cp "$own_certificates"/*.crt "$root$own_certificates/"
  chroot "$root" update-ca-certificates >/dev/null 2>&1
fi
# What a slim image does without: the package lists and archives, manuals, and everything written for people.
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,info,locale,lintian}/* \
  "$root"/var/log/*.log "$root"/debootstrap "$root"/tmp/*

tar --create --directory "$root" --one-file-system --numeric-owner . | docker import \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8' \
  --change 'CMD ["python3"]' - "$name" >/dev/null
echo "$name: $(docker image inspect --format '{{.Size}}' "$name" | awk '{ printf "%.0f MB", $1 / 1e6 }')"
