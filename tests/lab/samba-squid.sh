#!/bin/bash
# A real parent: a Samba domain controller with Squid in front of it, on 127.0.0.1, all state in one directory.
#
#   samba-squid.sh start DIR          provisions (the first time), starts, waits until it answers
#   samba-squid.sh stop DIR           stops what `start` started
#   samba-squid.sh policy DIR LEVEL   changes "ntlm auth" and restarts Samba alone: ntlmv1-permitted |
#                                     mschapv2-and-ntlmv2-only | ntlmv2-only | disabled
#   samba-squid.sh domain DIR ...     users, passwords, counters: see domain.py
#   samba-squid.sh tool DIR ...       samba-tool with this domain's configuration
#
# Ports: +0 NTLM, +1 Negotiate, +2 Basic, +3 Digest, +4 all four, +5 no sign-in, +6 NTLM over TLS, +7 NTLM that takes
# every dialect for Domain\User:Password, +8 web server (401), +9 and +10 Kerberos, +11 NTLM that closes after a bare
# 407, +15 echo origin. The first is $LAB_PORT (23300; stay below the ephemeral range).
# Needs root, Samba and Squid; exit 77 = cannot run here. DIR must be reachable for the user proxy.
set -u
usage() { sed -n '2,15p' "$0"; exit 2; }
COMMAND=${1:-}
[ -n "$COMMAND" ] && [ -n "${2:-}" ] || usage
mkdir -p "$2" && DIR=$(cd "$2" && pwd) || exit 1
shift 2

HERE=$(cd "$(dirname "$0")" && pwd)
SELF=$HERE/$(basename "$0")
export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
unset KRB5_CONFIG
PORT=${LAB_PORT:-23300} LEVEL=ntlmv2-only
[ -f "$DIR/env" ] && . "$DIR/env"
REALM=CORP.LAB.TEST DOMAIN=CORPLAB HOST=dc1 LOCKOUT_THRESHOLD=5
RUN=$DIR/run LOG=$DIR/log CONF=$DIR/etc/smb.conf
PYTHON=/usr/bin/python3 # the system's own has the Samba bindings
NTLM_AUTH="/usr/bin/ntlm_auth --configfile=$CONF"
SQUIDS="main any closing"
. "$HERE/processes.sh"
. "$HERE/configuration.sh"

fail() { echo "samba-squid: $*" >&2; exit 1; }
skip() { echo "samba-squid: $* (skipped)" >&2; exit 77; }
domain() { "$PYTHON" "$HERE/domain.py" "$CONF" "$DIR/private/sam.ldb" "$@"; }

write_configuration() {
  write_samba
  write_kerberos
  write_squid_main
  write_squid_any
  write_squid_closing
}

provision() {
  [ -f "$DIR/etc/provisioned" ] && return
  rm -rf "$DIR/tmp" "$DIR/private" "$DIR/state" "$DIR/bind-dns"
  samba-tool domain provision --server-role=dc --realm=$REALM --domain=$DOMAIN --host-name=$HOST \
    --host-ip=127.0.0.1 --dns-backend=NONE --adminpass='Adm1n-Lab-Pass!' --targetdir="$DIR/tmp" \
    --option='interfaces=lo' --option='bind interfaces only=yes' > "$LOG/provision.log" 2>&1 \
    || fail "provisioning failed: $(tail -n 3 "$LOG/provision.log")"
  mv "$DIR/tmp/private" "$DIR/tmp/state" "$DIR/tmp/bind-dns" "$DIR/" && rm -rf "$DIR/tmp"
  chmod 755 "$DIR/state"
  domain create-all $LOCKOUT_THRESHOLD "$HERE/users.json" > "$LOG/users.log" 2>&1 \
    || fail "creating users failed: $(tail -n 3 "$LOG/users.log")"
  export_keys
  touch "$DIR/etc/provisioned"
}

export_keys() {
  local name
  for name in localhost 127.0.0.1 parent.corp.lab.test; do
    samba-tool domain exportkeytab "$DIR/etc/http.keytab" --principal=HTTP/$name -s "$CONF" >> "$LOG/users.log" 2>&1 \
      || fail "exporting the Kerberos keys failed, see $LOG/users.log"
  done
  openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 30 -subj '/CN=localhost' \
    -addext 'subjectAltName=DNS:localhost,DNS:parent.corp.lab.test,IP:127.0.0.1' \
    -keyout "$DIR/etc/proxy.key" -out "$DIR/etc/proxy.crt" 2>/dev/null || fail "openssl failed"
  chgrp proxy "$DIR/etc/http.keytab" "$DIR/etc/proxy.key"
  chmod 640 "$DIR/etc/http.keytab" "$DIR/etc/proxy.key"
}

run_samba() {
  setsid /usr/sbin/samba -F --no-process-group -s "$CONF" --debug-stdout >> "$LOG/samba.log" 2>&1 < /dev/null &
  remember samba $!
  for _ in $(seq 150); do
    wbinfo -p > /dev/null 2>&1 && break
    alive samba || break
    sleep 0.2
  done
  wbinfo -p > /dev/null 2>&1 || { tail -n 5 "$LOG/samba.log" >&2; return 1; }
  # ntlm_auth runs as the user proxy and must be able to enter the privileged pipe's directory.
  chgrp proxy "$DIR/state/winbindd_privileged" && chmod 750 "$DIR/state/winbindd_privileged"
}

run_squid() { # NAME
  KRB5_CONFIG=$DIR/etc/krb5.conf setsid /usr/sbin/squid -N -n "lab$PORT$1" -f "$DIR/etc/squid-$1.conf" \
    >> "$LOG/squid-$1.out" 2>&1 < /dev/null &
  remember "squid-$1" $!
}

run_all() { # own|shared: is /run/samba ours alone?
  rm -rf "$RUN/samba"
  mkdir -p "$RUN/samba/winbindd" /run/samba
  chmod -R 755 "$RUN/samba"
  if [ "$1" = own ]; then
    mount --make-rprivate / 2>/dev/null
    mount --bind "$RUN/samba" /run/samba || return 1
  fi
  run_samba || return 1
  setsid "$PYTHON" "$HERE/origin.py" $((PORT + 15)) >> "$LOG/origin.log" 2>&1 < /dev/null &
  remember origin $!
  local name
  for name in $SQUIDS; do run_squid "$name"; done
}

all_alive() {
  local name
  for name in samba origin $(printf 'squid-%s ' $SQUIDS); do alive "$name" || return 1; done
}

wait_until_ready() {
  for _ in $(seq 100); do
    all_alive || return 1
    answers_as_proxy $PORT 407 && answers_as_proxy $((PORT + 5)) 503 && answers_as_proxy $((PORT + 7)) 407 \
      && answers_as_proxy $((PORT + 11)) 407 && answers 401 --noproxy '*' "http://127.0.0.1:$((PORT + 8))/" && return
    sleep 0.2
  done
  return 1
}

# The path /run/samba/winbindd is compiled into libwbclient; a mount of our own keeps a host's Samba untouched.
start() {
  local program
  [ "$(id -u)" = 0 ] || skip "needs root"
  for program in samba squid ntlm_auth samba-tool wbinfo openssl curl; do
    command -v $program > /dev/null || skip "$program is missing"
  done
  mkdir -p "$DIR/etc" "$RUN" "$LOG" "$DIR/cache" "$DIR/lock"
  chmod 755 "$DIR" "$DIR/etc" "$RUN" "$DIR/cache" "$DIR/lock"
  chown proxy "$LOG"
  su -s /bin/sh proxy -c "test -x '$DIR'" || fail "the user proxy cannot enter $DIR"
  if ! all_alive; then
    stop
    write_configuration
    provision
    write_env
    if unshare -m true 2>/dev/null; then
      unshare -m "$SELF" __run "$DIR" own || { stop; fail "start failed, see $LOG"; }
    else
      wbinfo -p > /dev/null 2>&1 && fail "another winbindd owns /run/samba, and mount namespaces are not allowed"
      run_all shared || { stop; fail "start failed, see $LOG"; }
    fi
  fi
  wait_until_ready || { tail -n 4 "$LOG"/squid-*.out >&2; stop; fail "not ready, see $LOG"; }
  echo "samba-squid: ready, ports from $PORT"
}

stop() {
  halt $(printf 'squid-%s ' $SQUIDS) origin samba
  # What Samba starts on demand (samba-dcerpcd, rpcd_*) leaves its group; it names our configuration file.
  local file
  for file in /proc/[0-9]*/cmdline; do
    { tr '\0' '\n' < "$file"; } 2>/dev/null | grep -qF -e "$CONF" && kill "$(basename "$(dirname "$file")")" 2>/dev/null
  done
  return 0
}

policy() { # LEVEL
  LEVEL=$1
  write_samba
  write_env
  halt samba
  nsenter -t "$(process_of squid-main)" -m -- "$SELF" __samba "$DIR" || fail "Samba did not come back, see $LOG/samba.log"
}

case $COMMAND in
  start) start ;;
  stop) stop ;;
  policy) policy "${1:?a level}" ;;
  domain) domain "$@" ;;
  tool) samba-tool "$@" -s "$CONF" ;;
  __run) run_all "$1" ;;
  __samba) run_samba ;;
  *) usage ;;
esac
