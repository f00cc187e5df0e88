#!/bin/sh
# Each host's own code lines: neither blank nor comment nor test, as README tells them.
cd "$(dirname "$0")"
for host in common blocking tokio embedded fleet; do
    find "$host/src" -name '*.rs' -exec awk 'FNR == 1 { test = 0 } /^#\[cfg\(test\)\]/ { test = 1 }
        !test && !/^[[:space:]]*(\/\/.*)?$/ { n++ } END { print n }' {} + | awk -v host="$host" '{ n += $1 } END { print host, n }'
done
find blocking/src/client -name '*.rs' -exec awk '!/^[[:space:]]*(\/\/.*)?$/ { n++ } END { print "of blocking, the client", n }' {} +
