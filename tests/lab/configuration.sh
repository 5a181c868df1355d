# Sourced by samba-squid.sh: writes the configuration of Samba, Kerberos and Squid.

write_samba() {
  cat > "$CONF" << END
[global]
  netbios name = $HOST
  workgroup = $DOMAIN
  realm = $REALM
  server role = active directory domain controller
  server services = winbindd, kdc
  interfaces = lo
  bind interfaces only = yes
  disable netbios = yes
  krb5 port = $((PORT + 9))
  kpasswd port = $((PORT + 10))
  cldap port = $((PORT + 12))
  nbt port = $((PORT + 13))
  dgram port = $((PORT + 14))
  smb ports = $((PORT + 14))
  private dir = $DIR/private
  state directory = $DIR/state
  cache directory = $DIR/cache
  lock directory = $DIR/lock
  binddns dir = $DIR/bind-dns
  pid directory = $RUN
  ncalrpc dir = $RUN/ncalrpc
  winbindd socket directory = /run/samba/winbindd
  ntp signd socket directory = $RUN/ntp_signd
  log file = $LOG/log.%m
  max log size = 0
  log level = 1 auth:3
  ntlm auth = $LEVEL
  old password allowed period = 0
  prefork children = 1
END
}

write_kerberos() {
  # Heimdal reads a realm only as a block of several lines.
  cat > "$DIR/etc/krb5.conf" << END
[libdefaults]
  default_realm = $REALM
  dns_lookup_realm = false
  dns_lookup_kdc = false
  rdns = false
  dns_canonicalize_hostname = false
  udp_preference_limit = 1
[realms]
  $REALM = {
    kdc = 127.0.0.1:$((PORT + 9))
  }
[domain_realm]
  localhost = $REALM
  127.0.0.1 = $REALM
  .corp.lab.test = $REALM
END
}

# Squid 5.7 takes a full request buffer for a client that has gone, and drops fast uploads: the buffer is made larger.
squid_common() { # NAME
  cat << END
visible_hostname parent.corp.lab.test
pid_filename $RUN/squid-$1.lock
logformat lab %ts.%03tu %>a:%>p %lp %[un %rm %ru %>Hs %Ss %<st
access_log stdio:$LOG/access-$1.log lab
cache_log $LOG/cache-$1.log
cache_effective_user proxy
cache_mem 8 MB
cache deny all
maximum_object_size_in_memory 0 KB
coredump_dir none
pinger_enable off
netdb_filename none
shutdown_lifetime 0 seconds
logfile_rotate 0
dns_nameservers 127.0.0.1
hosts_file /etc/hosts
client_db off
client_request_buffer_max_size 128 MB
via on
forwarded_for delete
max_filedescriptors 4096
END
}

only_signed_in() { # after auth_param: Squid reads in order
  cat << END
acl signed_in proxy_auth REQUIRED
http_access deny !signed_in
http_access allow signed_in
http_access deny all
END
}

# The scheme that is offered depends on the port (auth_schemes limits what is offered, not what is taken).
write_squid_main() {
  {
    squid_common main
    cat << END
acl p_ntlm myportname ntlm tls
acl p_negotiate myportname negotiate
acl p_basic myportname basic
acl p_digest myportname digest
acl p_open myportname open
acl p_web myportname web
http_port 127.0.0.1:$((PORT + 0)) name=ntlm
http_port 127.0.0.1:$((PORT + 1)) name=negotiate
http_port 127.0.0.1:$((PORT + 2)) name=basic
http_port 127.0.0.1:$((PORT + 3)) name=digest
http_port 127.0.0.1:$((PORT + 4)) name=all
http_port 127.0.0.1:$((PORT + 5)) name=open
https_port 127.0.0.1:$((PORT + 6)) name=tls tls-cert=$DIR/etc/proxy.crt tls-key=$DIR/etc/proxy.key
http_port 127.0.0.1:$((PORT + 8)) accel defaultsite=localhost no-vhost name=web
cache_peer 127.0.0.1 parent $((PORT + 15)) 0 no-query no-digest originserver name=webpeer
cache_peer_access webpeer allow p_web
cache_peer_access webpeer deny all
never_direct allow p_web
always_direct allow !p_web
auth_param negotiate program /usr/lib/squid/negotiate_wrapper_auth --ntlm $NTLM_AUTH --helper-protocol=squid-2.5-ntlmssp --kerberos /usr/lib/squid/negotiate_kerberos_auth -s GSS_C_NO_NAME -k $DIR/etc/http.keytab -t none
auth_param negotiate children 8 startup=1 idle=1
auth_param negotiate keep_alive on
auth_param ntlm program $NTLM_AUTH --helper-protocol=squid-2.5-ntlmssp
auth_param ntlm children 16 startup=1 idle=1
auth_param ntlm keep_alive on
auth_param digest program /usr/lib/squid/digest_file_auth -c $DIR/etc/digest.txt
auth_param digest realm $DOMAIN
auth_param digest children 2 startup=1 idle=1
auth_param basic program $NTLM_AUTH --helper-protocol=squid-2.5-basic
auth_param basic realm $DOMAIN
auth_param basic children 4 startup=1 idle=1
auth_param basic credentialsttl 1 second
auth_schemes ntlm p_ntlm
auth_schemes negotiate p_negotiate
auth_schemes basic p_basic
auth_schemes digest p_digest
auth_schemes negotiate,ntlm,basic p_web
auth_schemes ALL all
END
    echo 'http_access allow p_open'
    only_signed_in
  } > "$DIR/etc/squid-main.conf"
  printf 'digestuser:%s\n' "$(printf 'digestuser:%s:DigestPass1' "$DOMAIN" | md5sum | cut -d' ' -f1)" > "$DIR/etc/digest.txt"
}

# Its helper compares with one fixed password itself: LM, NT, NTLM, NTLM2SR and NTLMv2 all pass, and nobody counts.
write_squid_any() {
  {
    squid_common any
    cat << END
http_port 127.0.0.1:$((PORT + 7)) name=any
auth_param ntlm program $NTLM_AUTH --helper-protocol=squid-2.5-ntlmssp --username=User --domain=Domain --password=Password
auth_param ntlm children 8 startup=1 idle=1
auth_param ntlm keep_alive on
END
    only_signed_in
  } > "$DIR/etc/squid-any.conf"
}

# Closes the connection after the first, bare 407, as ISA does.
write_squid_closing() {
  {
    squid_common closing
    cat << END
http_port 127.0.0.1:$((PORT + 11)) name=closing
auth_param ntlm program $NTLM_AUTH --helper-protocol=squid-2.5-ntlmssp
auth_param ntlm children 8 startup=1 idle=1
auth_param ntlm keep_alive off
END
    only_signed_in
  } > "$DIR/etc/squid-closing.conf"
}

write_env() {
  cat > "$DIR/env" << END
PORT=$PORT
LEVEL=$LEVEL
END
}
