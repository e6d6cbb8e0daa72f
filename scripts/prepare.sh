# Sourced by scripts/demo and scripts/test: packages, the unprivileged user, the build.
#
# Started as root, root is used for apt alone: everything else runs as 'nobody' on a copy of the
# tree that nobody owns (initdb refuses root, and root would make read-only tests pass for nothing).
# Started as a user, sudo is used for apt alone and the tree is built in place.

set -euo pipefail
umask 022

PREPARE_TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PREPARE_CACHE=/var/cache/axnode-build # what root keeps: downloads, and a copy of each tree
PREPARE_HOME=$PREPARE_CACHE/$(printf %s "$PREPARE_TREE" | sha256sum | cut -c1-12)

# What is built with, what runs, and what the tests and the demo use as peers.
PACKAGES="gcc g++ cmake ninja-build pkg-config ca-certificates
  libdcmtk-dev libcairo2-dev libpng-dev libyaml-dev libpq-dev libssl-dev libsystemd-dev libmicrohttpd-dev
  libcjson-dev libgsl-dev libcmocka-dev zlib1g-dev
  orthanc-dev
  libopenjp2-7-dev libavformat-dev libavcodec-dev libswscale-dev libavutil-dev
  libtesseract-dev tesseract-ocr-eng
  fonts-dejavu-core openssl poppler-utils libopenjp2-tools ffmpeg dcmtk dicom3tools curl util-linux procps python3 python3-pydicom
  python3-numpy python3-scipy python3-pil python3-yaml
  libinsighttoolkit5-dev python3-skimage
  r-base-core r-cran-proc r-cran-rms r-cran-hmisc r-cran-glmnet"
# Installed with their services kept from starting.
SERVICE_PACKAGES="postgresql-common postgresql orthanc orthanc-dicomweb orthanc-webviewer orthanc-postgresql"

STEP="start"
step() {
  STEP=$1
  printf '\033[1m==> %s\033[0m\n' "$STEP" >&2
}
fail() {
  printf '\nfailed: %s\n  reason: %s\n' "$STEP" "$1" >&2
  exit 1
}
trap 'fail "the command above ended with an error (line $LINENO)"' ERR

packages_missing() {
  local wanted=$1 name
  for name in $wanted; do
    dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || echo "$name"
  done
}

as_admin() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo --preserve-env=DEBIAN_FRONTEND "$@"
  else
    fail "packages are missing ($(echo $MISSING)) and installing them needs root or sudo"
  fi
}

# One apt-get call with its output in a log, shown only when it fails.
apt_run() {
  local log
  log=$(mktemp)
  if ! DEBIAN_FRONTEND=noninteractive as_admin apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    fail "apt-get $1 did not succeed"
  fi
  rm -f "$log"
}

# Debian starts the services that it installs. Ours are private and started by the scripts, so
# they are kept from starting, and from starting at the next boot when it was us who brought them.
services_install() {
  local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.conf
  local placed="" name
  apt_run update
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_admin tee $policy >/dev/null
    as_admin chmod 755 $policy
    placed=1
  fi
  SERVICES_UNDO="${placed:+rm -f $policy}"
  case " $1 " in
  *" postgresql-common "*) apt_run install -y --no-install-recommends postgresql-common ;;
  esac
  if [ -e $cluster ]; then
    as_admin cp -a $cluster $cluster.axnode-kept
    SERVICES_UNDO="mv -f $cluster.axnode-kept $cluster; $SERVICES_UNDO"
    echo 'create_main_cluster = false' | as_admin tee -a $cluster >/dev/null
  fi
  trap 'as_admin sh -c "$SERVICES_UNDO"' EXIT
  apt_run install -y --no-install-recommends $1
  as_admin sh -c "$SERVICES_UNDO"
  trap - EXIT
  for name in orthanc postgresql; do
    case " $1 " in
    *" $name "*) command -v systemctl >/dev/null && as_admin systemctl disable -q $name || true ;;
    esac
  done
}

packages_install() {
  local wanted="$PACKAGES $SERVICE_PACKAGES"
  # npm only where the pinned ONNX Runtime still has to be fetched.
  if [ -z "${AXNODE_ORT:-}" ] && ! command -v npm >/dev/null &&
    [ -z "$(find "$(cache_folder)" -name libonnxruntime.so.1 2>/dev/null)" ]; then
    wanted="$wanted npm"
  fi
  MISSING=$(packages_missing "$wanted" | tr '\n' ' ')
  if [ -n "$MISSING" ]; then
    step "Installing Debian packages: $MISSING"
    services_install "$MISSING"
  fi
}

cache_folder() {
  if [ "$(id -u)" = 0 ]; then
    echo $PREPARE_CACHE/cache
  else
    echo "${AXNODE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/axnode}"
  fi
}

nobody_reads() {
  setpriv --reuid=nobody --regid=nogroup --clear-groups test -r "$1"
}

# Run the rest of this script as nobody, on a copy of the tree. Does not return as root.
leave_root() {
  [ "$(id -u)" = 0 ] || return 0
  local shared name arguments=() kept=()
  step "Copying the tree for the user nobody"
  mkdir -p $PREPARE_HOME/tree $PREPARE_CACHE/cache
  chmod 755 $PREPARE_CACHE $PREPARE_HOME
  exec 9>$PREPARE_HOME/lock
  flock -n 9 || fail "another run of scripts/test or scripts/demo works on this tree"
  # Same times as the originals, so that the build only repeats what changed.
  find $PREPARE_HOME/tree -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
  tar -C "$PREPARE_TREE" --exclude=./build --exclude=./.git -cf - . |
    tar -C $PREPARE_HOME/tree --no-same-owner -xf -
  # Reference data beside the checkout, for the tests that use it; copied where nobody may not look.
  rm -rf $PREPARE_HOME/shared
  shared=$(cd "$PREPARE_TREE/.." && pwd)/shared
  if [ -d "$shared" ]; then
    if nobody_reads "$shared/."; then
      ln -s "$shared" $PREPARE_HOME/shared
    else
      cp -r "$shared" $PREPARE_HOME/shared
      chown -R nobody:nogroup $PREPARE_HOME/shared
    fi
  fi
  chown -R nobody:nogroup $PREPARE_HOME/tree $PREPARE_CACHE/cache
  for argument in "$@"; do # paths of the caller mean the caller's folder
    if [ -e "$argument" ]; then
      argument=$(realpath "$argument")
      nobody_reads "$argument" || fail "the rest runs as nobody, who may not read $argument"
    fi
    arguments+=("$argument")
  done
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY NODE_EXTRA_CA_CERTS \
    AXNODE_ORT AXNODE_PRESETS AXNODE_LONG AXNODE_SEED AXNODE_ROLE; do
    [ -z "${!name:-}" ] || kept+=("$name=${!name}")
  done
  cd $PREPARE_HOME/tree
  exec setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all --no-new-privs \
    env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=$PREPARE_CACHE/cache LANG=C.UTF-8 \
    TERM="${TERM:-dumb}" AXNODE_CACHE=$PREPARE_CACHE/cache "${kept[@]}" \
    "scripts/$(basename "$0")" "${arguments[@]}"
}

# build PRESET: configure where needed, then build.
build() {
  local preset=$1 folder=$PREPARE_TREE/build/$1 log
  log=$folder.log
  mkdir -p "$PREPARE_TREE/build"
  step "Building ($preset)"
  if ! cmake -S "$PREPARE_TREE" --preset "$preset" ${AXNODE_ORT:+-DAXNODE_ORT="$AXNODE_ORT"} \
    >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    fail "cmake could not configure (whole output: $log)"
  fi
  if ! (cd "$PREPARE_TREE" && cmake --build --preset "$preset") >"$log" 2>&1; then
    grep -B2 -A12 -E 'FAILED|error:' "$log" | head -n 60 >&2
    fail "the build did not succeed (whole output: $log)"
  fi
}
