import { takeToken } from './api.js';
import { createCharts } from './charts.js';
import { connectControls, updateControls } from './controls.js';
import { showEvent } from './event-list.js';
import { byId, setText } from './page.js';
import { showReceipt } from './receipt.js';
import { running } from './running.js';
import type { LogEntry, Sample } from './sample.js';
import { duration, kib } from './sample-text.js';
import { drawSlabMap } from './slab-map.js';
import { connectSteps } from './steps.js';

/** Without a word for so long, in milliseconds, the figures are old and the page says so. */
const SILENCE_MS_MAX = 3_000;
/** Where there is no room for everything, what is not the story is folded away. */
const NARROW = '(max-width: 48rem)';

const token = takeToken();
if (matchMedia(NARROW).matches) {
  for (const details of document.querySelectorAll('details')) details.open = false;
}
const addToCharts = createCharts();
let lastSampleAt = 0;

connectSteps(() => {});
connectControls(token !== undefined);
if (token === undefined) {
  notice(
    'This page has no token: you can watch, but not press the buttons. Open the address that the demo printed.',
  );
}

const events = new EventSource('/v1/events');
events.addEventListener('sample', ({ data }) => show(JSON.parse(data) as Sample));
events.addEventListener('log', ({ data }) => {
  const entry = JSON.parse(data) as LogEntry;
  showEvent(entry);
  running.event(entry);
});
setInterval(() => {
  if (performance.now() - lastSampleAt < SILENCE_MS_MAX) return;
  setState('offline', lastSampleAt === 0 ? 'connecting' : 'no connection: these figures are old');
}, 1_000);

function show(sample: Sample): void {
  lastSampleAt = performance.now();
  const { figures, latency, counts, health } = sample;
  // A keeper that restarts is part of the service's state; else the service knows best.
  const state = sample.state === 'unsealed' ? health.condition : sample.state;
  setState(state, state);
  byId('state').title =
    health.pid > 0 ? `process ${health.pid} has the keys` : 'no process has keys';
  if (figures !== undefined) setText('limit-title', kib(figures.limitByteLength));
  setText('value-locked', kib(figures?.lockedByteLength ?? 0));
  setText('value-limit', figures === undefined ? '–' : kib(figures.limitByteLength));
  setText('value-secrets', `${figures?.secrets ?? 0}`);
  setText('value-waiting', `${figures?.waiting ?? 0}`);
  setText('value-rate', `${latency.perSecond}`);
  setText('value-signed', counts.signed.toLocaleString('en'));
  setText('value-pushed-back', `${counts.pushedBack}`);
  const none = latency.samples === 0;
  setText('value-p50', none ? '–' : duration(latency.p50Ms));
  setText('value-p95', none ? '–' : duration(latency.p95Ms));
  setText('value-p99', none ? '–' : duration(latency.p99Ms));
  updateControls(sample);
  running.sample(sample);
  addToCharts(sample);
  drawSlabMap(figures);
  showReceipt(figures?.receipt);
}

function setState(state: string, text: string): void {
  const pill = byId('state');
  if (pill.dataset['state'] !== state) pill.dataset['state'] = state;
  setText('state', text);
}

function notice(text: string): void {
  byId('notice').hidden = false;
  setText('notice', text);
}
