#!/usr/bin/env bash
# A script for reading.
set -euo pipefail

source ./lib/common.sh
. "$HOME/.profile"

LIMIT=10
readonly NAME="a \"{\" $(basename "$0")"
declare -A table=([a]=1 [b]='}')
export PATH="$PATH:/opt/bin"
alias ll='ls -l'

# about usage
usage() {
  cat <<EOF
usage() {
  ${NAME} $(date)
EOF
}

function log {
  local level="$1"; shift
  printf '%s\n' "[$level] $*" >&2
}

function fail() {
  log error "$@"
  exit 1
}

build() (
  cd "$1" || fail "no folder {"
  for file in *.c; do
    if [[ -f "$file" && "$file" != *"it's"* ]]; then
      cc -c "$file" -o "${file%.c}.o"
    fi
  done
)

parse_args() {
  while (( $# > 0 )); do
    case "$1" in
      -h|--help) usage; exit 0 ;;
      -v) verbose=1 ;;
      *) fail "unknown: $1" ;;
    esac
    shift
  done
}

read_all() {
  while IFS= read -r line; do
    echo "${line//\'/\"}"
  done < <(sort "$1" | uniq)
  cat <<-'END' | tr a-z A-Z
	function not_one() {
	END
}

if command -v git >/dev/null; then
  version() { git describe --tags; }
else
  version() { echo unknown; }
fi

trap 'fail "interrupted"' INT

main() {
  parse_args "$@"
  build src && read_all list.txt
  echo "$(version) ${LIMIT} ${table[a]} $((LIMIT << 2))"
}

main "$@"
