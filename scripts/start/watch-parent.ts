/**
 * Notices that the process which started this one is gone.
 *
 * npm passes SIGTERM on to the shell that it has started, and dash dies of it without a word to the command that it
 * runs: without this, `npm start` that is ended by its process id would leave the whole stack behind.
 */

/** Calls `onGone` once, some time after this process has got another parent than it began with; does not keep the process alive. */
export function watchParent(onGone: () => void): void {
  const timer = setInterval(() => {
    if (process.ppid === PARENT) return
    clearInterval(timer)
    onGone()
  }, WATCH_INTERVAL)
  timer.unref()
}

/** As the program begins: a parent that goes while the stack starts is missed as well. */
const PARENT = process.ppid
const WATCH_INTERVAL = 250
