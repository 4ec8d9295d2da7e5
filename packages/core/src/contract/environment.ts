/** What became of a variable of the environment that was moved into a region. */
export interface EnvironmentTaken {
  /**
   * In how many places of this process its name stood with a value, each of which reads zero now. More than one where the name
   * was there twice, or had been set again since the process began.
   */
  readonly places: number;

  /**
   * Whether the block with which the process was started, which `/proc/<pid>/environ` shows, was searched as a whole. `unknown`
   * where the system does not say where it is: then a value that was replaced before may still stand in it.
   */
  readonly startBlock: 'searched' | 'unknown';
}
