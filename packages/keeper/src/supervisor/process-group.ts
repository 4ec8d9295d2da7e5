/**
 * Kills what is left of the process group that a keeper led, once the keeper is gone and its status was read: whatever its module
 * started may have inherited a secret. A process that took a group or a session of its own is not among them, and on Windows there
 * are no groups.
 */
export function endGroup(leader: number): void {
  // The system gives a number to nobody while a group has it. So if there is such a process, it is a stranger's, and so is the group.
  if (process.platform === 'win32' || signal(leader, 0)) return;
  signal(-leader, 'SIGKILL');
}

/** Whether there was somebody to take it. */
function signal(pid: number, what: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, what);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
