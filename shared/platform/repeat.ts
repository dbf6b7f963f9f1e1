/**
 * Runs one asynchronous task again and again, never two of them at once.
 *
 * The interval is counted from the end of one run to the beginning of the next, so a slow store is not pressed.
 * Failures are reported at their edges only: the first of a row, and the first success after it.
 */

export interface RepeatOptions {
  readonly task: () => Promise<void>
  readonly intervalMillis: number
  readonly onFailed: (error: Error) => void
  readonly onRecovered: () => void
}

export interface Repetition {
  /** Runs the task as soon as the running one has ended; resolves when it has run, failed or not. */
  runNow(): Promise<void>
  /** Ends the repetition; resolves when no task runs any more. */
  stop(): Promise<void>
}

/** Starts the repetition with a first run at once. */
export function repeat({ task, intervalMillis, onFailed, onRecovered }: RepeatOptions): Repetition {
  let failed = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let last: Promise<void> = Promise.resolve()

  const attempt = async () => {
    try {
      await task()
      if (failed) onRecovered()
      failed = false
    } catch (error) {
      if (!failed) onFailed(error as Error)
      failed = true
    }
  }
  const runNow = () => {
    clearTimeout(timer)
    const run = last.then(attempt)
    last = run
    void run.then(() => {
      if (run === last && !stopped) timer = setTimeout(() => void runNow(), intervalMillis)
    })
    return run
  }
  void runNow()
  return {
    runNow,
    stop: () => {
      stopped = true
      clearTimeout(timer)
      return last
    },
  }
}
