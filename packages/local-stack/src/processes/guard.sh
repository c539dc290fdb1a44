#!/bin/sh
# Runs a command that cannot outlive its supervisor, and returns its exit status.
#
#   guard.sh COMMAND [ARGUMENT...]
#
# The supervisor starts it as the leader of its own session. File descriptor 3 is one end of a pipe;
# only the supervisor holds the other end, and nothing is written to it. However the supervisor exits,
# SIGKILL included, the kernel closes that end, the reader below sees the end of file and kills the
# whole process group.
#
# The reader stays alive after the command has exited, so that the group's id is not reused before the
# supervisor has killed the rest of the group.

(
  trap '' TERM INT HUP
  while read -r _; do :; done <&3
  kill -KILL -$$
) >/dev/null 2>&1 &

# A handler, not '': the command would inherit an ignored signal.
trap : TERM INT HUP

"$@" 3<&- </dev/null &
command=$!
# Drops the shell's own messages ("Terminated").
exec 3<&- >/dev/null 2>&1

# A signal interrupts the wait: only the status of a command that has exited counts.
while :; do
  wait "$command"
  status=$?
  kill -0 "$command" 2>/dev/null || exit "$status"
done
