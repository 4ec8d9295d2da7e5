/**
 * The program of the keeper process. Its first statement keeps SIGUSR1 from opening the debugger port, which is why
 * everything else is imported after it.
 */
process.on('SIGUSR1', () => {});

void import('./child/run.js').then(({ runKeeper }) => runKeeper());

export {};
