/** Where a piece of a secret may be met while it is used: what is worked on, and what OpenSSL keeps for the length of a call. */
const NAMED = /^(registers|\[stack\]|\[heap\]|anonymous memory)$/;

/** V2: no core file that the kernel writes has a secret that rests; what it has of one in use is named. */
export const coreFiles = {
  id: 'V2',
  name: 'core-files',
  kernels: ['6.1'],
  /** @param {import('../factory.mjs').Bench} bench */
  async run({ boot }) {
    const { facts } = await boot({ scenario: 'core-files', megabytes: 2_000 });
    const { file, pipe, end, kernel, machine, ...used } = facts;
    const rests = [file, pipe].every(
      ({ buffer, ...others }) => buffer > 0 && Object.values(others).every((count) => count === 0),
    );
    const places = [...new Set(Object.values(used).flatMap((hits) => Object.keys(hits)))];
    const named = places.every((place) => NAMED.test(place));
    const inUse = Object.entries(used).filter(([, hits]) => Object.keys(hits).length > 0);
    return {
      holds: rests && named && end === 0,
      line: `at rest, to a file and through a pipe: ${rests ? 'no secret, the control is there' : JSON.stringify({ file, pipe })}; killed while in use: ${
        inUse.length === 0
          ? 'none'
          : inUse.map(([name, hits]) => `${name} ${JSON.stringify(hits)}`).join(', ')
      }`,
      facts: { ...facts, kernel, machine },
    };
  },
};
