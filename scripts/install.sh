#!/bin/sh
# Installs ClawGate: downloads the release for this machine, verifies its signature and its sum, puts one file into one folder.
# Everything stands in one pair of braces, so that a shell which got only a part of this file runs none of it.
{

# The release tool fills in both lines: the public Ed25519 key of the releases (PEM), and the address below which they are.
release_key=''
releases=''

set -u

max_list_bytes=1048576
max_archive_bytes=524288000
run_limit_s=30

usage() {
  cat <<'END'
Usage: install.sh [options]

Installs the program `clawgate` for this machine. Asks for no password and uses no sudo.

Options:
  --version X      this version instead of the latest (also an older one)
  --dir D          the folder to install into (default: ~/.local/bin; as root: /usr/local/bin)
  --uninstall      removes what this script installed; config, keys and state stay
  --checksum-only  does not verify the signature, only the checksums: these come from the same place as the
                   program, so they prove that the download is whole, and not who made it
  -h, --help       this text

CLAWGATE_RELEASE_URL names another place with releases. Proxies are taken from https_proxy, http_proxy, no_proxy.
Exit code 0: done. 1: not installed, and everything is as it was. 64: wrong option. 130, 143: interrupted, and the same.
END
}

say() { printf '%s\n' "$*"; }
warn() { printf 'install.sh: %s\n' "$*" >&2; }
die() { warn "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

main() {
  version='' dir='' action=install check=signature
  work='' made='' child=''
  read_options "$@"
  trap 'finish $?' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  umask 022
  choose_folder
  if [ "$action" = uninstall ]; then uninstall; else install_program; fi
}

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --version | --dir)
        if [ $# -lt 2 ] || [ -z "$2" ]; then wrong_option "$1 needs a value"; fi
        if [ "$1" = --version ]; then version=$2; else dir=$2; fi
        shift ;;
      --version=?*) version=${1#*=} ;;
      --dir=?*) dir=${1#*=} ;;
      --uninstall) action=uninstall ;;
      --checksum-only) check=sums ;;
      -h | --help) usage; exit 0 ;;
      *) wrong_option "unknown option $1" ;;
    esac
    shift
  done
  version=${version#v}
  is_version "${version:-0.0.0}" || wrong_option "--version takes a version like 1.2.3, not \"$version\""
}

wrong_option() {
  warn "$1"
  warn "install.sh --help shows the options."
  exit 64
}

# Digits, letters, dots, hyphens: it becomes a part of an address and of no command.
is_version() {
  case $1 in
    *[!0-9A-Za-z.-]*) return 1 ;;
    [0-9]*.[0-9]*.[0-9]*) return 0 ;;
    *) return 1 ;;
  esac
}

choose_folder() {
  if [ -z "$dir" ]; then
    if [ "$(id -u)" = 0 ]; then dir=/usr/local/bin
    elif [ -n "${HOME:-}" ]; then dir=$HOME/.local/bin
    else die 'HOME is not set: name the folder with --dir.'; fi
  fi
  case $dir in
    /*) ;;
    *) dir=$(pwd)/$dir ;;
  esac
  while [ "$dir" != / ] && [ "${dir%/}" != "$dir" ]; do dir=${dir%/}; done
  program=$dir/clawgate
}

# On every way out: nothing of this run is left, except for the program once it is in place.
finish() {
  trap '' HUP INT TERM
  trap - EXIT
  if [ -n "$child" ]; then kill -KILL "$child" 2>/dev/null; wait "$child" 2>/dev/null; fi
  [ -z "$work" ] || rm -rf "$work"
  if [ "$1" -ne 0 ]; then
    # Only folders that this run made, and only while they are empty.
    printf '%s' "$made" | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || :; done
  fi
  exit "$1"
}

# In the background, because a shell acts on a signal only between two programs, but at once while it waits for one.
run() {
  "$@" &
  child=$!
  wait "$child"
  status=$?
  child=''
  return "$status"
}

install_program() {
  is_illegal=no
  find_releases
  find_downloader
  find_sum_program
  has tar || die 'there is no tar on this machine.'
  has gzip || die 'there is no gzip on this machine.'
  [ "$check" = sums ] || check_openssl
  find_target
  check_folder
  make_work_folder
  [ "$check" = sums ] || check_key
  read_release
  take_program "$target" || {
    case $target in linux-x64 | linux-x64-musl) ;; *) die "$why" ;; esac
    [ "$is_illegal" = yes ] || die "$why"
    say "This processor lacks instructions that $target needs: taking the baseline build."
    target=$target-baseline
    take_program "$target" || die "$why"
  }
  check_age
  put_in_place
  say_next
}

find_releases() {
  base=${CLAWGATE_RELEASE_URL:-$releases}
  while [ "${base%/}" != "$base" ]; do base=${base%/}; done
  [ -n "$base" ] || die 'it is not known yet where the releases are: set CLAWGATE_RELEASE_URL to their address.'
  case $base in
    https://*) ;;
    http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]* | 'http://[::1]' | 'http://[::1]'[:/]*) ;;
    *) die 'the address of the releases must begin with https:// (http:// only for this machine itself).' ;;
  esac
  # It would be shown with every download that fails.
  authority=${base#*://}
  case ${authority%%/*} in *@*) die 'the address of the releases must not hold a user name.' ;; esac
}

find_downloader() {
  if has curl; then downloader=curl
  elif has wget; then
    downloader=wget
    # That of busybox 1.35 crashes with -q and -T together.
    wget_limit='-T 60'
    if wget --help 2>&1 | grep -q -i busybox; then wget_limit=''; fi
  else die 'neither curl nor wget is there: install one of them.'; fi
}

find_sum_program() {
  if has sha256sum; then sum_program=sha256sum
  elif has shasum; then sum_program=shasum
  elif has openssl; then sum_program=openssl
  else die 'no program for SHA-256 is there (sha256sum, shasum or openssl): install coreutils.'; fi
}

sum_of() {
  case $sum_program in
    sha256sum) sha256sum <"$1" ;;
    shasum) shasum -a 256 <"$1" ;;
    openssl) openssl dgst -sha256 <"$1" | sed 's/^.*= *//' ;;
  esac | sed 's/ .*//'
}

# macOS has a LibreSSL under this name that cannot do it; Homebrew keeps its own apart.
check_openssl() {
  openssl=''
  found=''
  for candidate in openssl /opt/homebrew/opt/openssl@3/bin/openssl /usr/local/opt/openssl@3/bin/openssl; do
    has "$candidate" || continue
    found=${found:-$("$candidate" version 2>/dev/null)}
    if "$candidate" pkeyutl -help 2>&1 | grep -q -e '-rawin'; then openssl=$candidate; break; fi
  done
  [ -z "$openssl" ] || return 0
  hint='install the package "openssl"'
  [ "$(uname -s)" != Darwin ] || hint='brew install openssl@3'
  unchecked='With --checksum-only the signature is not verified.'
  [ -n "$found" ] || die "openssl is needed to verify who made the program: $hint. $unchecked"
  die "this openssl ($found) cannot verify Ed25519 signatures, version 3.0 can: $hint. $unchecked"
}

find_target() {
  os=$(uname -s) machine=$(uname -m)
  case $os in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    MINGW* | MSYS* | CYGWIN*) die 'on Windows, take clawgate-windows-x64.zip of the release and unpack it.' ;;
    *) die "there is no build for $os." ;;
  esac
  case $machine in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) die "there is no build for a $machine processor." ;;
  esac
  target=$os-$machine
  if [ "$os" = darwin ]; then
    # Under Rosetta, uname names the processor that is imitated.
    [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" != 1 ] || target=darwin-arm64
    return 0
  fi
  # A 64-bit kernel may carry a 32-bit system, as on some Raspberry Pis.
  if has getconf && [ "$(getconf LONG_BIT 2>/dev/null)" = 32 ]; then
    die 'this system is a 32-bit one, there are only builds for 64 bits.'
  fi
  ! is_musl || target=$target-musl
  if [ "$machine" = x64 ] && ! grep -q -w avx2 /proc/cpuinfo 2>/dev/null; then target=$target-baseline; fi
}

# ldd tells which library the system's programs use; a musl loader may lie beside glibc, and the other way round.
is_musl() {
  if has ldd; then
    case $(ldd --version 2>&1) in
      *musl*) return 0 ;;
      *GLIBC* | *GNU* | *glibc*) return 1 ;;
    esac
  fi
  for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do [ ! -e "$loader" ] || return 1; done
  for loader in /lib/ld-musl-*.so.1; do [ ! -e "$loader" ] || return 0; done
  return 1
}

check_folder() {
  if [ -L "$program" ]; then
    die "$program is a link that another installer put there. Use that one, or name another folder with --dir."
  fi
  [ ! -d "$program" ] || die "$program is a folder."
  missing=$dir
  while [ ! -e "$missing" ] && [ ! -L "$missing" ]; do
    made="$made$missing
"
    missing=$(dirname "$missing")
  done
  mkdir -p "$dir" 2>/dev/null || die "$dir cannot be created: name another folder with --dir."
  [ -d "$dir" ] || die "$dir is not a folder."
}

# In the target's folder: only inside one file system does a rename replace a program in one step.
make_work_folder() {
  work=$(umask 077 && mktemp -d "$dir/.clawgate-install.XXXXXX" 2>/dev/null) || {
    work=''
    die "$dir cannot be written to: name another folder with --dir, or run this as the user who owns it."
  }
}

check_key() {
  [ -n "$release_key" ] || die 'this copy of install.sh has no release key: take the one of a release. With --checksum-only the signature is not verified.'
  printf '%s\n' "$release_key" >"$work/key.pem" || die "$dir cannot be written to (is the disk full?)."
}

# limited MOST_BYTES PROGRAM ...: a file that grows beyond it ends the program. Always in a process of its own.
limited() {
  ulimit -f $(($1 / 512 + 1))
  shift
  exec "$@"
}

# fetch URL FILE MOST_BYTES; 22: the server has no such file.
fetch() {
  quiet=-sS
  if [ "$3" -gt "$max_list_bytes" ] && [ -t 2 ]; then quiet='-#'; fi
  if [ "$downloader" = curl ]; then
    allowed='=https'
    case $base in http://*) allowed='=http,https' ;; esac
    run limited "$3" curl -f "$quiet" -L --proto "$allowed" --proto-redir '=https' --connect-timeout 30 --speed-limit 1024 \
      --speed-time 60 --max-filesize "$3" -o "$2" "$1"
    status=$?
  else
    # shellcheck disable=SC2086
    run limited "$3" wget -q $wget_limit -O "$2" "$1"
    status=$?
    [ "$status" -ne 8 ] || status=22
  fi
  return "$status"
}

need() {
  fetch "$1" "$2" "$3"
  status=$?
  size=0
  [ ! -f "$2" ] || size=$(wc -c <"$2" | tr -d ' ')
  case $downloader-$status in
    *-0) ;;
    *-22) die "$1 is not there.${version:+ Is there a version $version?}" ;;
    curl-23) die "$dir: the download could not be written (is the disk full?)." ;;
    curl-63 | *-153) die "$1 is larger than anything of a release." ;;
    *) die "$1 could not be downloaded ($downloader ended with $status)." ;;
  esac
  [ "$size" -le "$3" ] || die "$1 is larger than anything of a release."
}

# What "latest" means may change between two downloads, so everything else is asked of the version that it named.
read_release() {
  asked=$version
  if [ -n "$version" ]; then place=$base/download/v$version; else place=$base/latest/download; fi
  need "$place/release.json" "$work/release.json" "$max_list_bytes"
  found=$(version_in "$work/release.json")
  is_version "$found" || die "$place/release.json names no version: it is no release of ClawGate."
  [ -z "$asked" ] || [ "$asked" = "$found" ] || die "asked for version $asked, but the server has $found there."
  version=$found
  place=$base/download/v$version
  need "$place/SHA256SUMS" "$work/SHA256SUMS" "$max_list_bytes"
  if [ "$check" = sums ]; then
    warn 'the signature is not verified (--checksum-only): who made the program is not known.'
  else
    need "$place/SHA256SUMS.sig" "$work/SHA256SUMS.sig" "$max_list_bytes"
    verify_signature
  fi
  check_sum release.json "$work/release.json"
}

version_in() {
  sed 's/[,{}]/\
/g' <"$1" |
    sed -n 's/^[[:space:]]*"version"[[:space:]]*:[[:space:]]*"\([^"]*\)"[[:space:]]*$/\1/p' | head -n 1
}

verify_signature() {
  [ "$size" -eq 64 ] || die 'the signature of the release is none (SHA256SUMS.sig has not 64 bytes). Nothing is installed.'
  answer=$("$openssl" pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/SHA256SUMS" \
    -sigfile "$work/SHA256SUMS.sig" 2>&1) || die 'the signature of the release is WRONG: it was not made by the key of ClawGate. Nothing is installed.'
  case $answer in
    *'Verified Successfully'*) ;;
    *) die "openssl did not verify the signature of the release ($answer). Nothing is installed." ;;
  esac
}

check_sum() {
  wanted=''
  while read -r digest name; do
    [ "${name#\*}" = "$1" ] || continue
    [ -z "$wanted" ] || die "SHA256SUMS names $1 twice. Nothing is installed."
    wanted=$digest
  done <"$work/SHA256SUMS"
  [ -n "$wanted" ] || die "version $version has no $1."
  [ "$(sum_of "$2")" = "$wanted" ] || die "the checksum of $1 is WRONG: the download is damaged, or was changed. Nothing is installed."
}

# Leaves the verified program as $work/clawgate. False where it does not run, with the reason in $why.
take_program() {
  archive=clawgate-$1.tar.gz
  grep -q "\"$archive\"" "$work/release.json" || die "version $version has no build for $1."
  say "Downloading ClawGate $version for $1 ..."
  need "$place/$archive" "$work/$archive" "$max_archive_bytes"
  check_sum "$archive" "$work/$archive"
  # To standard output: whatever else an archive holds, links and paths included, gets no place on the disk.
  if ! run limited "$max_archive_bytes" tar -xzOf "$work/$archive" clawgate >"$work/clawgate" 2>"$work/words"; then
    die "$archive could not be unpacked into $dir: $(tail -n 1 "$work/words")"
  fi
  rm -f "$work/$archive"
  [ -s "$work/clawgate" ] || die "$archive holds no program."
  chmod 755 "$work/clawgate" || die "$work/clawgate cannot be made a program."
  try_program
}

try_program() {
  is_illegal=no
  (
    unset BUN_OPTIONS BUN_BE_BUN BUN_INSPECT NODE_OPTIONS
    exec "$work/clawgate" version
  ) >"$work/answer" 2>"$work/words" </dev/null &
  child=$!
  # Told by a file when to end: a signal that reaches a shell while it starts is lost.
  : >"$work/running"
  (
    waited=0
    while [ -e "$work/running" ] && [ "$waited" -lt "$run_limit_s" ]; do
      sleep 1
      waited=$((waited + 1))
    done
    [ ! -e "$work/running" ] || kill -KILL "$child"
  ) >/dev/null 2>&1 </dev/null &
  wait "$child" 2>/dev/null
  status=$?
  child=''
  rm -f "$work/running"
  read -r name answered _ <"$work/answer" || :
  if [ "$status" -eq 0 ]; then
    if [ "${name:-}" = clawgate ] && [ "${answered:-}" = "$version" ]; then return 0; fi
    die "the program calls itself \"${name:-} ${answered:-}\", not clawgate $version. Nothing is installed."
  fi
  why="the program for $target does not run here (exit code $status): $(tail -n 1 "$work/words") Nothing is installed."
  # musl's loader ends with 127 after a line for every symbol that it did not find.
  if grep -q -E 'lib(stdc\+\+|gcc_s)\.so' "$work/words"; then
    hint='install the package libstdc++'
    ! has apk || hint='apk add libstdc++'
    why="the program for $target needs the C++ library, which is not on this machine: $hint (as root), then run this again. Nothing is installed."
  fi
  case $status in
    132) is_illegal=yes why="the program for $target needs instructions that this processor lacks. Nothing is installed." ;;
    126) ! grep -q -i 'permission denied' "$work/words" || why="no program can be run in $dir (is it mounted noexec?): name another folder with --dir. Nothing is installed." ;;
    137) why="the program for $target did not answer within $run_limit_s s, or was killed. Nothing is installed." ;;
  esac
  return 1
}

# An old release with a good signature may be offered as the latest by whoever controls the server.
check_age() {
  before=''
  [ -x "$program" ] || return 0
  before=$( (unset BUN_OPTIONS BUN_BE_BUN; "$program" version </dev/null 2>/dev/null) | sed -n 's/^clawgate \([0-9][^ ]*\).*/\1/p' | head -n 1)
  [ -z "$asked" ] && is_version "$before" || return 0
  ! is_older "$version" "$before" || die "$program is version $before already, and the latest there is $version. --version $version installs the older one."
}

is_older() {
  a=${1%%-*}. b=${2%%-*}.
  while [ -n "$a$b" ]; do
    x=${a%%.*} y=${b%%.*}
    case ${x:-0}${y:-0} in *[!0-9]*) return 1 ;; esac
    [ "${x:-0}" -ge "${y:-0}" ] || return 0
    [ "${x:-0}" -le "${y:-0}" ] || return 1
    a=${a#*.} b=${b#*.}
  done
  # Of one number, the one with a label came before.
  case $1 in *-*) case $2 in *-*) return 1 ;; *) return 0 ;; esac ;; esac
  return 1
}

# A rename: whoever starts `clawgate` meanwhile gets the old or the new one, and a running one keeps its file.
put_in_place() {
  # Installed once more, the same version must not take the place of the one before.
  if [ -f "$program" ] && [ "$before" != "$version" ]; then
    ln "$program" "$work/previous" 2>/dev/null || cp -p "$program" "$work/previous" 2>/dev/null ||
      die "the program in $dir could not be kept as clawgate.previous (is the disk full?). Nothing is installed."
    mv -f "$work/previous" "$program.previous" || die "$program.previous could not be replaced. Nothing is installed."
  fi
  mv -f "$work/clawgate" "$program" || die "$program could not be replaced. The old one is still there."
  made=''
}

say_next() {
  if [ -n "$before" ]; then say "ClawGate $version is installed: $program (before: $before, kept as clawgate.previous)."
  else say "ClawGate $version is installed: $program"; fi
  case :${PATH:-}: in
    *:"$dir":*)
      first=$(command -v clawgate 2>/dev/null)
      [ -z "$first" ] || [ "$first" = "$program" ] || warn "note: the command clawgate is another program, $first, which comes first on PATH."
      call=clawgate ;;
    *)
      call=$program
      say "$dir is not on PATH. To put it there:"
      case ${SHELL:-} in
        */fish) say "  fish_add_path \"$dir\"" ;;
        */zsh) say "  echo 'export PATH=\"$dir:\$PATH\"' >>~/.zshrc" ;;
        */bash) say "  echo 'export PATH=\"$dir:\$PATH\"' >>~/.bashrc" ;;
        *) say "  echo 'export PATH=\"$dir:\$PATH\"' >>~/.profile" ;;
      esac ;;
  esac
  case $call in *[!A-Za-z0-9_./-]*) call="\"$call\"" ;; esac
  say 'Next:'
  if [ -n "$before" ]; then
    say '  a gateway that runs now is still the old one: restart it'
  else
    say "  $call init               asks a few questions and writes a config"
    say "  $call                    starts the gateway"
  fi
  say "  $call service install    keeps it running as a service"
}

uninstall() {
  if [ -L "$program" ]; then die "$program is a link that another installer put there: uninstall it with that one."; fi
  [ -e "$program" ] || [ -e "$program.previous" ] || die "there is no clawgate in $dir."
  for file in "$program" "$program.previous"; do
    [ -e "$file" ] || continue
    case $( [ -f "$file" ] && (unset BUN_OPTIONS BUN_BE_BUN; "$file" version </dev/null 2>/dev/null) ) in
      'clawgate '[0-9]*) ;;
      *) die "$file does not answer as ClawGate does, so it is left alone. If it is to go: rm \"$file\"" ;;
    esac
  done
  state=${CLAWGATE_STATE_DIR:-${XDG_STATE_HOME:-${HOME:-}/.local/state}/clawgate}
  for unit in "${XDG_CONFIG_HOME:-${HOME:-}/.config}/systemd/user/clawgate.service" /etc/systemd/system/clawgate.service \
    "${HOME:-}"/Library/LaunchAgents/*clawgate*.plist; do
    ! grep -q -F "$program" "$unit" 2>/dev/null || die "a service still starts it ($unit). First: $program service uninstall"
  done
  rm -f "$program" "$program.previous" || die "$program could not be removed."
  rm -rf "$dir"/.clawgate-install.*
  say "Removed $program."
  for left in "${XDG_CONFIG_HOME:-${HOME:-}/.config}/clawgate" "$state" "${XDG_DATA_HOME:-${HOME:-}/.local/share}/clawgate"; do
    [ ! -e "$left" ] || say "Kept: $left"
  done
  say 'A gateway that still runs goes on until it is stopped.'
}

main "$@"; }
