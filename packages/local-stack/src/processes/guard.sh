#!/bin/sh
# Runs a command so that it cannot outlive its supervisor, and passes its exit status on.
#
#   guard.sh COMMAND [ARGUMENT...]
#
# The supervisor starts it as the leader of a session of its own, with file descriptor 3 being one
# end of a pipe whose other end nobody but the supervisor holds and to which nothing is written.
# However the supervisor ends, SIGKILL included, the kernel closes that other end, the reader below
# sees the end of file and kills the whole process group.
#
# The reader stays alive after the command has ended: it keeps the group's id from being given to
# somebody else until the supervisor has killed what is left of the group.

(
  trap '' TERM INT HUP
  while read -r _; do :; done <&3
  kill -KILL -$$
) >/dev/null 2>&1 &

# A handler, not '': an ignored signal would be ignored by the command too.
trap : TERM INT HUP

"$@" 3<&- </dev/null &
command=$!
# The shell's own remarks ("Terminated") are nobody's output.
exec 3<&- >/dev/null 2>&1

# A signal interrupts the wait; only the status of a command that is really gone counts.
while :; do
  wait "$command"
  status=$?
  kill -0 "$command" 2>/dev/null || exit "$status"
done
