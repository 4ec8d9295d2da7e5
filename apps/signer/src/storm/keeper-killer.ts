/** Kills a keeper a given number of times, spread evenly over the answers of a run. */
export class KeeperKiller {
  readonly #kills: number;
  readonly #requests: number;
  readonly #pid: () => number;
  #answers = 0;
  #done = 0;
  #lastPid = 0;

  /** `pid` tells the process of now, 0 while there is none. */
  constructor(kills: number, requests: number, pid: () => number) {
    this.#kills = kills;
    this.#requests = requests;
    this.#pid = pid;
  }

  settled(answers: number): void {
    this.#answers = answers;
    this.killIfDue();
  }

  /** One kill per life: the same process cannot die twice. */
  killIfDue(): void {
    const due = Math.floor((this.#answers * (this.#kills + 1)) / this.#requests);
    const pid = this.#pid();
    if (this.#done >= Math.min(due, this.#kills) || pid === 0 || pid === this.#lastPid) return;
    this.#lastPid = pid;
    this.#done++;
    process.kill(pid, 'SIGKILL');
  }
}
