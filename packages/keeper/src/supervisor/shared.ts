import { RestartBudget } from './restart-budget.js';
import { StartGate } from './start-gate.js';

/** What several keepers have in common. */
export interface Shared {
  readonly budget: RestartBudget;
  readonly gate: StartGate;
  /** Where those take turns that are to be replaced. */
  readonly recycling: StartGate;
}

/** For one keeper, or for all members of a pool. */
export function newShared(): Shared {
  return { budget: new RestartBudget(), gate: new StartGate(), recycling: new StartGate() };
}
