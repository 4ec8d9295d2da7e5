import { takeToken } from './api.js';
import { createCharts } from './charts.js';
import { connectControls } from './controls.js';
import { showEvent } from './event-list.js';
import { byId, setText } from './page.js';
import { showReceipt } from './receipt.js';
import { kib, type LogEntry, type Sample } from './sample.js';
import { drawSlabMap } from './slab-map.js';

/** Without a word for so long, in milliseconds, the figures are old and the page says so. */
const SILENCE_MS_MAX = 3_000;

const token = takeToken();
const addToCharts = createCharts();
let lastSampleAt = 0;

connectControls(token !== undefined);
if (token === undefined) {
  notice(
    'This page has no token: you can watch, but not press the buttons. Open the address that the demo printed.',
  );
}

const events = new EventSource('/v1/events');
events.addEventListener('sample', ({ data }) => show(JSON.parse(data) as Sample));
events.addEventListener('log', ({ data }) => showEvent(JSON.parse(data) as LogEntry));
setInterval(() => {
  if (performance.now() - lastSampleAt < SILENCE_MS_MAX) return;
  setState('offline', lastSampleAt === 0 ? 'connecting' : 'no connection: these figures are old');
}, 1_000);

function show(sample: Sample): void {
  lastSampleAt = performance.now();
  const { figures, latency, counts, health } = sample;
  const where = sample.signing === 'keeper' && health.pid > 0 ? ` · keeper ${health.pid}` : '';
  setState(health.condition, `${health.condition}${where}`);
  if (figures !== undefined) setText('limit-title', kib(figures.limitByteLength));
  setText('value-locked', figures === undefined ? 'nothing' : kib(figures.lockedByteLength));
  setText('value-limit', figures === undefined ? '–' : kib(figures.limitByteLength));
  setText('value-secrets', `${figures?.secrets ?? 0}`);
  setText('value-waiting', `${figures?.waiting ?? 0}`);
  setText('value-rate', `${latency.perSecond}`);
  setText('value-signed', `${counts.signed}`);
  setText('value-pushed-back', `${counts.pushedBack}`);
  setText('value-p50', `${latency.p50Ms} ms`);
  setText('value-p95', `${latency.p95Ms} ms`);
  setText('value-p99', `${latency.p99Ms} ms`);
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
