import { koffiBackend } from '@securemem/koffi';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DashboardPage, findChromium } from './dashboard-page.js';
import { type Files, makeLastingFiles, removeFiles, TOKEN } from './service.js';
import { ServiceProcess, unconfinedBecause } from './service-process.js';

const LIMIT = 65_536;
/** Enough to fill the limit several times over. */
const REQUESTS = 300;

const chromium = findChromium();
const probe = koffiBackend.probe();
const unproven =
  chromium === undefined
    ? 'chromium is not installed'
    : probe.available
      ? unconfinedBecause()
      : probe.reason;

describe('the dashboard', () => {
  let files: Files;
  let service: ServiceProcess;
  let dashboard: DashboardPage;

  beforeAll(async () => {
    if (chromium === undefined || unproven !== undefined) return;
    files = makeLastingFiles();
    const options = ['--demonstration', '--signing', 'keeper', '--approval', '5'];
    service = await ServiceProcess.start(files, [...options, '--budget', `${LIMIT}`], true);
    dashboard = await DashboardPage.open(chromium, service.url, TOKEN);
    await dashboard.inState('ready');
  }, 60_000);

  afterAll(async () => {
    if (unproven !== undefined) return;
    await dashboard?.close();
    await service?.end('SIGTERM');
    if (files !== undefined) removeFiles(files);
  });

  beforeEach((ctx) => {
    if (unproven !== undefined) ctx.skip(`not proven: ${unproven}`);
  });

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }

  test('shows what the service has: limit, receipt, pages, and takes the token out of its address', async () => {
    expect(await dashboard.text('value-limit')).toBe('64 KiB');
    expect(await metric('securemem_limit_bytes')).toBe(LIMIT);
    expect(await dashboard.text('receipt')).toContain('Its page is locked');
    expect(await dashboard.page.locator('#map-pages span').count()).toBe(16);
    expect(dashboard.page.url()).toBe(`${service.url}/`);
    await dashboard.photograph('start');
  });

  test('storm: every request is signed and verified within the limit', async () => {
    await dashboard.page.fill('#storm-requests', `${REQUESTS}`);
    const before = await metric('signer_signatures_total');
    const { happened, usual, failed } = await dashboard.press('control-storm');
    expect(failed).toBe(false);
    expect(happened).toContain(`${REQUESTS} of ${REQUESTS} requests were signed`);
    expect(happened).toContain('Every signature verifies');
    expect(Number(/ (\d+) requests waited/.exec(happened)?.[1])).toBeGreaterThan(0);
    expect(Number(/at most (\d+) KiB/.exec(happened)?.[1])).toBeLessThanOrEqual(LIMIT / 1_024);
    expect(usual).toContain('a page of its own');
    expect(await metric('signer_signatures_total')).toBe(before + REQUESTS);
    const signed = dashboard.page.locator('#value-signed');
    await expect.poll(() => signed.textContent()).toBe(`${before + REQUESTS}`);
    await dashboard.photograph('storm');
  });

  test('comparison: pooled serves all, a page per secret few', async () => {
    const { happened } = await dashboard.press('control-comparison');
    expect(happened).toContain('300 of 300 requests were signed');
    const cells = await dashboard.page
      .locator('#comparison-rows tr:first-child td')
      .allTextContents();
    expect(Number(cells[0])).toBeLessThan(30);
    expect(cells[1]).toBe('300');
    await dashboard.photograph('comparison');
  });

  test('limit: lowered live, the service goes on within it, and takes more when it is raised', async () => {
    await dashboard.choose('limit-bytes', '16384');
    await dashboard.press('control-limit');
    await expect.poll(() => dashboard.text('value-limit')).toBe('16 KiB');
    expect(await metric('securemem_limit_bytes')).toBe(16_384);
    await expect
      .poll(() => metric('securemem_locked_bytes'), { timeout: 10_000 })
      .toBeLessThanOrEqual(16_384);
    const { happened } = await dashboard.press('control-storm');
    expect(happened).toContain(`${REQUESTS} of ${REQUESTS} requests were signed`);
    expect(Number(/at most (\d+) KiB/.exec(happened)?.[1])).toBeLessThanOrEqual(16);
    await dashboard.photograph('low-limit');
    await dashboard.choose('limit-bytes', '65536');
    await dashboard.press('control-limit');
    await expect.poll(() => dashboard.text('value-limit')).toBe('64 KiB');
  });

  test('partial load: the third key fails and nothing is left', async () => {
    const { happened, usual } = await dashboard.press('control-partial');
    expect(happened).toContain('Key 3 of 5 failed');
    expect(happened).toContain('none is left');
    expect(usual).toContain('Promise.all');
    await dashboard.photograph('partial-load');
  });

  test('kill under retry: a new keeper reads its key, and the service signs again', async () => {
    const { happened } = await dashboard.press('control-kill');
    expect(happened).toContain('SIGKILL');
    expect(happened).toContain('a new keeper');
    await dashboard.inState('ready');
    expect(await metric('signer_keeper_crashes')).toBe(1);
    expect(await metric('signer_keeper_restarts')).toBe(1);
    expect((await service.post('/v1/keys')).status).toBe(201);
    await dashboard.photograph('restarted');
  });

  test('kill under halt: everything stops until a policy is chosen', async () => {
    await dashboard.choose('policy-name', 'halt');
    expect((await dashboard.press('control-policy')).happened).toContain('policy halt');
    await dashboard.choose('kill-signal', 'SIGABRT');
    const { happened } = await dashboard.press('control-kill');
    expect(happened).toContain('SIGABRT');
    expect(happened).toContain('stays stopped');
    await dashboard.inState('halted');
    expect((await service.post('/v1/keys')).status).toBe(503);
    await dashboard.photograph('halted');
    await dashboard.choose('policy-name', 'terminate');
    await dashboard.press('control-policy');
    await dashboard.inState('ready');
    expect((await service.post('/v1/keys')).status).toBe(201);
  });

  test('seal and unseal: refused in between, with nothing locked', async () => {
    await dashboard.press('control-seal');
    await dashboard.inState('sealed');
    expect(await metric('signer_unsealed')).toBe(0);
    expect(await metric('securemem_locked_bytes')).toBe(0);
    await expect.poll(() => dashboard.text('value-locked')).toBe('nothing');
    const { happened } = await dashboard.press('control-storm');
    expect(happened).toContain('sealed');
    await dashboard.photograph('sealed');
    await dashboard.press('control-unseal');
    await dashboard.inState('ready');
    expect(await metric('signer_unsealed')).toBe(1);
  });

  test('credentials: many in a few locked pages, each right when opened', async () => {
    await dashboard.choose('credentials-count', '10000');
    const { happened } = await dashboard.press('control-credentials');
    expect(happened).toContain('10,000 credentials were sealed');
    expect(happened).toContain('2000 of 2000 opened at random were right');
    expect(Number(/At most (\d+) KiB/.exec(happened)?.[1])).toBeLessThanOrEqual(16);
    await dashboard.photograph('credentials');
  });

  test('is usable with the keyboard alone, on a phone, in the dark', async () => {
    const { page } = dashboard;
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 390, height: 844 });
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(390);
    const before = Number((await page.getAttribute('#outcome', 'data-told')) ?? 0);
    await page.focus('#policy-name');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector(`#outcome[data-told="${before + 1}"]`);
    expect(await dashboard.text('outcome-happened')).toContain('Key 3 of 5 failed');
    await dashboard.photograph('phone-dark');
  });

  test('without a token it shows everything and offers nothing', async () => {
    const { page } = dashboard;
    await page.evaluate('sessionStorage.clear()');
    await page.goto(`${service.url}/`);
    await dashboard.inState('ready');
    expect(await dashboard.text('notice')).toContain('no token');
    expect(await page.isDisabled('#control-storm button')).toBe(true);
    await dashboard.photograph('no-token');
  });

  test('says so when the service is gone, and nothing went wrong in the page before', async () => {
    expect(dashboard.wrongs).toEqual([]);
    await service.end('SIGKILL');
    await dashboard.inState('offline');
    expect(await dashboard.text('state')).toContain('no connection');
    await dashboard.photograph('offline');
  });
});
