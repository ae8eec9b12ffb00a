/** One job at a time, in the order in which they came. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `job` when all before it have ended, however they ended. */
  take<T>(job: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(job, job);
    this.#last = mine.catch(() => {});
    return mine;
  }
}
