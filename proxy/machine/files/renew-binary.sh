#!/bin/sh
# nginx's binary upgrade (nginx.org/en/docs/control.html, "Upgrading Executable on the Fly"), when its program or a
# library of it was replaced on disk. The old master goes only when the new one serves; else it simply stays.
set -eu

run=${MTLS_PROXY_RUN:-/run/mtls-proxy}
limit=100 # tenths of a second in which the new master has to be there

# sync reloads by the same pid file: one at a time.
exec 9>"$run/state/lock"
flock --timeout 300 9

[ -s "$run/nginx.pid" ] || exit 0
old=$(cat "$run/nginx.pid")

# A mapping of a file that is gone ends in "(deleted)"; nginx's own shared memory does so too, as /dev/zero.
if [ "${1:-}" != --force ] && ! grep -v ' /dev/zero (deleted)$' "/proc/$old/maps" | grep -q ' (deleted)$'; then
    exit 0
fi

kill -USR2 "$old"

renewed() {
    [ -s "$run/nginx.pid.oldbin" ] && [ -s "$run/nginx.pid" ] || return 1
    new=$(cat "$run/nginx.pid")
    [ "$new" != "$old" ] && [ -n "$(pgrep -P "$new" || true)" ]
}
until renewed; do
    limit=$((limit - 1))
    if [ "$limit" -eq 0 ]; then
        echo "the new nginx did not start; the old one goes on: see $run/logs/error.log" >&2
        exit 1
    fi
    sleep 0.1
done

kill -QUIT "$old"
echo "nginx $old is replaced by $new"
