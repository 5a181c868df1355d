#!/bin/bash
# A second, independent parent: Apache with mod_auth_gssapi and gss-ntlmssp. No domain; NTLMv2 only; users in a file.
# It speaks NTLM and Negotiate (raw NTLM and wrapped in SPNEGO).
#
#   apache.sh start DIR    ports: $LAB_PORT (23400) forward proxy, +1 web server (401)
#   apache.sh stop DIR
#
# Needs root; exit 77 = cannot run here.
set -u
usage() { sed -n '2,8p' "$0"; exit 2; }
[ $# = 2 ] || usage
mkdir -p "$2" && DIR=$(cd "$2" && pwd) || exit 1
export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
PORT=${LAB_PORT:-23400} MODULES=/usr/lib/apache2/modules RUN=$DIR/run
. "$(dirname "$0")/processes.sh"

fail() { echo "apache: $*" >&2; exit 1; }
skip() { echo "apache: $* (skipped)" >&2; exit 77; }

sign_in() {
  cat << END
    AuthType GSSAPI
    AuthName "apache"
    GssapiAllowedMech ntlmssp
    GssapiConnectionBound On
    Require valid-user
END
}

write_configuration() {
  local module
  {
    cat << END
ServerRoot $DIR
ServerName localhost
PidFile $RUN/httpd.pid
DefaultRuntimeDir $RUN
Mutex file:$RUN
Listen 127.0.0.1:$PORT
Listen 127.0.0.1:$((PORT + 1))
END
    for module in mpm_event authn_core authz_core authz_user proxy proxy_http proxy_connect auth_gssapi; do
      echo "LoadModule ${module}_module $MODULES/mod_$module.so"
    done
    cat << END
User www-data
Group www-data
ErrorLog $DIR/log/error.log
LogLevel warn
LogFormat "%{local}p %u %r %>s %k" lab
CustomLog $DIR/log/access.log lab
DocumentRoot $DIR/htdocs
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
<VirtualHost 127.0.0.1:$PORT>
  ProxyRequests On
  AllowCONNECT 1-65535
  <Proxy "*">
$(sign_in)
  </Proxy>
</VirtualHost>
<VirtualHost 127.0.0.1:$((PORT + 1))>
  <Location />
$(sign_in)
  </Location>
</VirtualHost>
END
  } > "$DIR/httpd.conf"
}

start() {
  [ "$(id -u)" = 0 ] || skip "needs root"
  [ -e $MODULES/mod_auth_gssapi.so ] || skip "libapache2-mod-auth-gssapi is missing"
  mkdir -p "$RUN" "$DIR/log" "$DIR/htdocs"
  chmod 755 "$DIR" "$RUN"
  echo hello > "$DIR/htdocs/index.html"
  printf 'LAB:User:Password\nLAB:alice:Passw0rd-alice\n' > "$DIR/users"
  chgrp www-data "$DIR/users" && chmod 640 "$DIR/users"
  write_configuration
  NTLM_USER_FILE=$DIR/users setsid apache2 -f "$DIR/httpd.conf" -DFOREGROUND >> "$DIR/log/out" 2>&1 < /dev/null &
  remember apache $!
  for _ in $(seq 50); do
    answers_as_proxy $PORT 407 && answers 401 --noproxy '*' "http://127.0.0.1:$((PORT + 1))/" \
      && echo "apache: ready, port $PORT" && return
    alive apache || break
    sleep 0.1
  done
  cat "$DIR/log/out" >&2
  halt apache
  fail "did not come up, see $DIR/log"
}

case $1 in
  start) start ;;
  stop) halt apache ;;
  *) usage ;;
esac
