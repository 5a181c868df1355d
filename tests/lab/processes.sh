# Sourced: starts programs in the background and stops exactly those again.
# A process is known by its pid and its start time, so that a pid used anew is never killed.

start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

remember() { # NAME PID
  echo "$2 $(start_time "$2")" > "$RUN/$1.process"
}

alive() { # NAME
  local pid started
  [ -s "$RUN/$1.process" ] || return 1
  read -r pid started < "$RUN/$1.process"
  [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] || return 1
  ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null
}

process_of() { # NAME
  local pid started
  read -r pid started < "$RUN/$1.process" && echo "$pid"
}

# Each was started with setsid, so its children are its process group and go with it.
halt() { # NAMES...
  local name ours=()
  for name; do alive "$name" && ours+=("$name") && kill -TERM "$(process_of "$name")"; done
  for name in ${ours[@]+"${ours[@]}"}; do
    for _ in $(seq 20); do
      alive "$name" || break
      sleep 0.1
    done
    kill -KILL -- "-$(process_of "$name")" 2>/dev/null
  done
  for name; do rm -f "$RUN/$name.process"; done
}

answers() { # STATUS CURL-ARGUMENTS...
  local want=$1
  shift
  [ "$(curl -s -o /dev/null -m 5 -w '%{http_code}' "$@" 2>/dev/null)" = "$want" ]
}

answers_as_proxy() { # PORT STATUS
  answers "$2" --noproxy '' -x "http://127.0.0.1:$1" http://127.0.0.1:1/
}
