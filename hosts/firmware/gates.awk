# Reads gates.md, then today's figures (target|figure|z|3), and prints gates.md as it would be with them; the goals stay. Without
# record=yes a figure that is above its gate, has none, or is missing is told on standard error, and the status is 1.

function trim(text) { gsub(/^ +| +$/, "", text); return text }
function complain(text) { if (record != "yes") { print "check.sh: " text > "/dev/stderr"; worse = 1 } }
function judge(key, level, got, gate) {
    if (got !~ /^[0-9]+$/) complain(key " at " level " was not measured")
    else if (gate == "") complain(key " at " level " has no gate")
    # The folder of the checkout changes the order in which the linker places functions, and so a few bytes of alignment.
    else if (got + 0 > gate * slack + (key ~ /_flash$/ ? 16 : 0)) complain(key " at " level " is " got ", its gate is " gate)
}

FNR == NR {
    if (/^Recorded with/) slack = index($0, compiler) ? 1 : 1.1
    if (/^\| on/) target = trim(substr($2, 5))
    else if (/^\|/ && !/^\|---/) {
        key = target ": " trim($2)
        z[key] = trim($3); fast[key] = trim($4); goals[key] = $5 "|" $6
    }
    next
}
!header++ {
    print "# Bare metal: the gates\n"
    print "Bytes, and instructions on QEMU, at opt-level z and 3; none of these may grow. `check.sh --record figures` writes this file,"
    print "and keeps the goals.\n"
    print "Recorded with " compiler "."
    if (slack > 1) print "check.sh: the gates were recorded with another compiler or core library, so 10 % more than a gate is let pass" > "/dev/stderr"
}
$1 != last {
    print "\n| on " $1 " | z | 3 | goal z | goal 3 |\n|---|---|---|---|---|"
    last = $1
}
{
    key = $1 ": " $2
    judge(key, "z", $3, z[key])
    judge(key, "3", $4, fast[key])
    print "| " $2 " | " $3 " | " $4 " |" (key in goals ? goals[key] : "  |  ") "|"
    seen[key] = 1
}
END {
    for (key in z) if (!(key in seen)) complain(key " is in gates.md, and was not measured")
    exit worse
}
