import { accessPicture, accessTable, peersTable } from './access-page.mjs';
import { casesPicture, casesTable, targetsTable } from './cases-page.mjs';
import { densityPicture, densityTable } from './density-page.mjs';
import { latencyPicture, latencyTable } from './latency-page.mjs';
import { millionMemoryPicture, millionTable, millionTimePicture } from './million-page.mjs';
import { machineLine } from './provenance.mjs';
import { endLines } from './scale-ends.mjs';
import {
  limitName,
  limitWords,
  lockedPicture,
  scaleTable,
  skippedLines,
  timePicture,
} from './scale-page.mjs';
import { statementsTable } from './statements.mjs';
import { stormPicture, stormTable } from './storm-page.mjs';
import { bytes, whole } from './words.mjs';

/** @typedef {import('../results.mjs').Results} Results */

const images = 'images/bench';

/**
 * The page and its pictures, by their paths from the folder of the page. The same results always give the same files.
 * @param {Results} results
 * @returns {Map<string, string>}
 */
export function renderPage(results) {
  /** @type {Map<string, string>} */
  const files = new Map();
  const picture = (
    /** @type {string} */ name,
    /** @type {string} */ alt,
    /** @type {string} */ svg,
  ) => {
    files.set(`${images}/${name}.svg`, svg);
    return `![${alt}](${images}/${name}.svg)`;
  };
  const parts = [
    intro(results),
    scalePart(results, picture),
    densityPart(results, picture),
    accessPart(results, picture),
    latencyPart(results, picture),
    ...casesParts(results, picture),
    millionPart(results, picture),
    stormPart(results, picture),
    goalsPart(results),
    ['## Figures on other pages', '', statementsTable(results)].join('\n'),
  ];
  files.set('BENCHMARKS.md', `${parts.filter((part) => part !== '').join('\n\n')}\n`);
  return files;
}

/** @param {Results} results */
function intro(results) {
  const dates = Object.values(results).map(({ date }) => date);
  const versions = Object.values(results)[0]?.machine.sodiumNative;
  return `# Benchmarks

What securemem takes, beside what others take, measured side by side. One program makes this page and its pictures:

\`\`\`sh
npm run bench:report                        # everything, about ten minutes
npm run bench:report -- --only access       # one section: ${Object.keys(results).join(', ')}
npm run bench:report -- --quick             # small counts, into .cache/bench-report
npm run bench:report -- --again             # which ratios are within 30 % of these when measured again
npm run bench:report -- --render-only       # the page again, from images/bench/results.json
npm run bench -- --only read-32             # one case, on the terminal
\`\`\`

How to read it:

- **A round measures every subject once, one after another**, each in a process of its own. Times are medians of rounds; beside
  them, and as bars in the pictures, stands the middle half of the rounds.
- **A ratio is taken within each round**, then the median of these. Times change with the machine and its mood; ratios are
  what repeats.
- **Noise** is half of the distance between the quartiles, as a share of the median, in the middle of all rows. *Load* is the number of
  processes that wanted to run: where it is above the number of processors, times are not ours alone.
- **Nothing is left out.** Where something failed, the page says what the process did.

Compared with: \`sodium-native\` ${versions}, which gives each secret its own
guarded page; \`KeyObject\` and the rest of \`node:crypto\`; plain \`Buffer\`; and the bare calls of the system from C, which nobody who
asks the system for each secret can go below. A \`Buffer\` and a \`KeyObject\` are ordinary memory: not locked, not guarded, in core files, and a \`KeyObject\`
cannot be wiped. *napi* has pages of \`memfd_secret\` where the kernel has it, which root cannot read; *napi, mlock* has ordinary
locked pages.${dates.length === 0 ? ' Nothing was measured yet.' : ''}

The raw results of every round: [results.json](images/bench/results.json).`;
}

/** @param {Results} results @param {(name: string, alt: string, svg: string) => string} picture */
function scalePart({ scale }, picture) {
  if (scale === undefined) return '';
  const parts = scale.limits.map((limit) => {
    const title = `### Under ${limitWords(limit)}`;
    if (limit.unproven !== '') return `${title}\n\nNot measured: ${limit.unproven}.`;
    const name = limitName(limit);
    const time = picture(
      `scale-time-${name}`,
      `Time to make one secret against how many are live, under ${limitWords(limit)}`,
      timePicture(scale, limit),
    );
    const locked = picture(
      `scale-locked-${name}`,
      `Locked bytes against how many secrets are live, under ${limitWords(limit)}`,
      lockedPicture(scale, limit),
    );
    const ends = [...endLines(limit), ...skippedLines(limit)].join('\n');
    return [title, locked, time, ends, scaleTable(scale, limit)].filter(Boolean).join('\n\n');
  });
  const { mappingsMax } = scale.machine;
  return `## From ${whole(scale.counts[0] ?? 0)} to ${whole(scale.counts.at(-1) ?? 0)} secrets

Secrets of ${scale.byteLength} bytes, all live at the same time; each number in a process of its own, which stops at its first
failure. A process that died, or locked less than it was asked to, was run again and followed allocation by allocation. ×
marks what happened. The kernel allows a process ${whole(mappingsMax)} mappings here (\`vm.max_map_count\`), and a guarded page of one's
own needs several. *Store* keeps secrets sealed in ordinary memory and opens them on demand. *Bare system calls* are \`mmap\` and
\`mlock\` of a page for each, without guard pages. \`Buffer\` and \`KeyObject\` lock nothing, so no lock limit
changes them.

${parts.join('\n\n')}`;
}

/** @param {Results} results @param {(name: string, alt: string, svg: string) => string} picture */
function densityPart({ density }, picture) {
  if (density === undefined) return '';
  return `## How densely secrets lie

Locked bytes are rationed, so it counts how many of them hold secrets. ${bytes(density.limit)} filled with secrets of lengths as programs have
them; then half of these go at random and others come, ${density.rounds} times. Of *securemem* and of *size classes* each secret has a canary of 8 bytes behind
it, which does not count as a secret's: with 32 bytes no more than four fifths can. *Size classes* are slabs of one page for each power of two. *A page for
each* is what guarded pages around every secret take. The rest of the limit is lost as long as those that live do not move, and here none is ever
moved.

${picture('density', 'Shares of 64 KiB that hold bytes of secrets, by lengths, after churn', densityPicture(density))}

${densityTable(density)}

At the worst after any round, in brackets when it was full for the first time, and how many secrets that were.`;
}

/** @param {Results} results @param {(name: string, alt: string, svg: string) => string} picture */
function accessPart({ access }, picture) {
  if (access === undefined) return '';
  return `## What an access costs

One byte of a secret of 32 bytes read or written through a view, in each mode of \`atRest\` on each backend. With protection at
rest every access is in a turn of its own, since pages close once per turn: many accesses in one turn share the cost.
*nolock* has no protection to change, and lends copies instead of views.

${accessTable(access)}

${picture('access', 'What an access costs in each mode on each backend', accessPicture(access))}

The same with others, and what it is made of. With *sodium-native* the caller opens and closes the page by hand; a \`KeyObject\` can
only be exported, which copies.

${peersTable(access)}`;
}

/** @param {Results} results @param {(name: string, alt: string, svg: string) => string} picture */
function latencyPart({ latency }, picture) {
  if (latency === undefined) return '';
  return `## Single operations

What one operation usually takes (p50), and what one in a hundred exceeds (p99), on each backend in each mode of \`atRest\`:
${whole(latency.samples)} samples of each in every round, garbage collection included, then the median of the rounds. A round gives each row a process of
its own. An operation of less than a microsecond is too short for the clock, which takes some tens of nanoseconds
itself: ten or a hundred of these are timed together and divided, as the number in brackets says, so that their p99 is of the means of
as many. With protection at rest every operation has a turn of its own, as above.

*Create + destroy* is \`allocateSync()\` and \`dispose()\`; a *Buffer* is allocated and filled with zeros. *Read* is one byte through a view.
*Seal* ends the secret and leaves its ciphertext; *open* makes a locked secret of that. A Buffer is encrypted and decrypted by \`node:crypto\`,
AES-256-GCM as well, and remains. *Locked bytes* are the kernel's count (\`VmLck\`, which has the pages of \`memfd_secret\` as well) for
each of ${whole(latency.secrets)} live secrets of 32 bytes.

${latencyTable(latency)}

${picture('latency', 'What single operations take on each backend in each mode, p50 to p99', latencyPicture(latency))}`;
}

const casesWords = {
  allocate: {
    heading: 'Allocate and dispose',
    text: `A secret of 32 bytes allocated and disposed, which wipes it. Its slab stays mapped from one to the next, so the system is
not asked. A \`KeyObject\` cannot be disposed: its time contains the collector's. The bare system calls are \`mmap\`, \`mlock\`, \`munlock\` and \`munmap\` of one page:
whoever gives each secret a page of its own cannot be faster.`,
    title: 'Allocate and dispose',
    subtitle: '32 bytes at a time · logarithmic scale · less is better',
  },
  seal: {
    heading: 'Seal and open',
    text: `AES-256-GCM between a locked page and ordinary memory. \`node:crypto\` does the encryption alone, with its key in a Buffer; here
the key is put together from its two shares for each use as well.`,
    title: 'Seal and open',
    subtitle: 'secrets of 32 bytes · logarithmic scale · less is better',
  },
  batch: {
    heading: 'Batches',
    text: `A thousand secrets of 32 bytes, live at the same time: made one after another, and in one request that gets all or none.`,
    title: 'A thousand at the same time',
    subtitle: 'time for each of 1,000 secrets of 32 bytes · logarithmic scale · less is better',
  },
  use: {
    heading: 'Use',
    text: `What a secret is for: a consumer gets it, and the caller gets the result.`,
    title: 'HMAC, comparison, and requests that wait',
    subtitle: 'secrets of 32 bytes · logarithmic scale · less is better',
  },
  keeper: {
    heading: 'Calls of a keeper',
    text: `A keeper is a process of its own; what it is compared with is the channel that \`child_process.fork\` gives, with advanced
serialisation.`,
    title: 'Calls of a keeper, and of fork',
    subtitle: '32 bytes each way · logarithmic scale · less is better',
  },
};

/** @param {Results} results @param {(name: string, alt: string, svg: string) => string} picture */
function casesParts(results, picture) {
  return Object.entries(casesWords).map(([key, words]) => {
    const name = /** @type {keyof typeof casesWords} */ (key);
    const section = results[name];
    if (section === undefined) return '';
    const image = picture(name, words.title, casesPicture(name, section, words));
    return `## ${words.heading}\n\n${words.text}\n\n${image}\n\n${casesTable(name, section)}`;
  });
}

/** @param {Results} results @param {(name: string, alt: string, svg: string) => string} picture */
function millionPart({ million }, picture) {
  if (million === undefined) return '';
  return `## A million secrets

${whole(million.secrets)} secrets of 64 bytes in one process, each verified and released in random order.

${picture('million-memory', 'Bytes that each of a million secrets takes', millionMemoryPicture(million))}

${picture('million-time', 'Time of the first and the last of a million secrets', millionTimePicture(million))}

${millionTable(million)}`;
}

/** @param {Results} results @param {(name: string, alt: string, svg: string) => string} picture */
function stormPart({ storm }, picture) {
  if (storm === undefined) return '';
  return `## The storm

${whole(storm.requests)} transactions signed at once by a process that is confined to its lock limit. Each request holds four secrets
until it has its signature; a second library checks every one.

${picture('storm', 'How many requests each design serves under 64 KiB and 8 MiB', stormPicture(storm))}

${stormTable(storm)}`;
}

/** @param {Results} results */
function goalsPart(results) {
  const { allocate, access, seal, batch, use, keeper } = results;
  const sections = [allocate, access, seal, batch, use, keeper].filter(
    (each) => each !== undefined,
  );
  const [first] = sections;
  if (first === undefined) return '';
  return `## Goals

What \`npm run bench\` judges: an operation may take at most so many times what it is made of, or what others take for it.

${targetsTable(sections)}

Ratios within the rounds of the sections above. ${machineLine(first)}.`;
}
