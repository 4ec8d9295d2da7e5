import { koffiBackend } from '@securemem/koffi';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Latencies } from '../src/service/latencies.js';
import { DashboardPage, findChromium, SIZES } from './dashboard-page.js';
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

describe('the dashboard', { timeout: 180_000 }, () => {
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
    expect(await dashboard.text('receipt')).toContain('Locked: it is never swapped');
    expect(await dashboard.page.locator('#map-pages span').count()).toBe(16);
    expect(dashboard.page.url()).toBe(`${service.url}/`);
    await dashboard.photograph('start');
  });

  test('storm: every request is signed and verified within the limit', async () => {
    await dashboard.goTo('control-storm');
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

  test('DB9 comparison: pooled serves all, a page per secret few, as two bars', async () => {
    const { happened } = await dashboard.press('control-comparison');
    expect(happened).toContain('300 of 300 with pooled secrets');
    const counts = await dashboard.page.locator('#hero .count').allTextContents();
    expect(counts[1]).toBe('300 of 300');
    expect(Number(/^(\d+) of 300$/.exec(counts[0] ?? '')?.[1])).toBeLessThan(30);
    const widths = await dashboard.page
      .locator('#hero em')
      .evaluateAll((bars) =>
        bars.map((bar) => Number.parseFloat((bar as HTMLElement).style.width)),
      );
    expect(widths[1]).toBe(100);
    expect(widths[0]).toBeLessThan(10);
    await dashboard.photograph('comparison');
  });

  test('limit: lowered live, the service goes on within it, and takes more when it is raised', async () => {
    await dashboard.goTo('control-limit');
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
    await dashboard.goTo('control-limit');
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

  test('DB5 kill under halt: stays halted, with nothing else to press, until a policy is chosen', async () => {
    await dashboard.goTo('control-policy');
    await dashboard.choose('policy-name', 'halt');
    expect((await dashboard.press('control-policy')).happened).toContain('policy halt');
    await dashboard.choose('kill-signal', 'SIGABRT');
    const { happened } = await dashboard.press('control-kill');
    expect(happened).toContain('SIGABRT');
    expect(happened).toContain('stays stopped');
    expect(happened).toContain('No request was under way');
    await dashboard.inState('halted');
    expect((await service.post('/v1/keys')).status).toBe(503);
    for (const control of ['control-seal', 'control-kill', 'control-storm', 'control-limit']) {
      expect(await dashboard.page.isDisabled(`#${control} button`)).toBe(true);
    }
    expect((await service.post('/v1/vault/unseal')).status).toBe(503);
    await dashboard.photograph('halted');
    await dashboard.choose('policy-name', 'terminate');
    await dashboard.press('control-policy');
    await dashboard.inState('ready');
    expect((await service.post('/v1/keys')).status).toBe(201);
  });

  test('seal and unseal are one button: refused in between, with nothing locked', async () => {
    await dashboard.press('control-seal');
    await dashboard.inState('sealed');
    expect(await metric('signer_unsealed')).toBe(0);
    expect(await metric('securemem_locked_bytes')).toBe(0);
    await expect.poll(() => dashboard.text('value-locked')).toBe('nothing');
    expect(await dashboard.page.textContent('#control-seal button')).toBe('Unseal');
    expect(await dashboard.page.isDisabled('#control-storm button')).toBe(true);
    await dashboard.photograph('sealed');
    await dashboard.press('control-seal');
    await dashboard.inState('ready');
    expect(await metric('signer_unsealed')).toBe(1);
  });

  test('credentials: many in a few locked pages, each right when opened', async () => {
    await dashboard.goTo('control-credentials');
    await dashboard.choose('credentials-count', '10000');
    const { happened } = await dashboard.press('control-credentials');
    expect(happened).toContain('10,000 credentials were sealed');
    expect(happened).toContain('2000 of 2000 opened at random were right');
    expect(Number(/At most (\d+) KiB/.exec(happened)?.[1])).toBeLessThanOrEqual(16);
    await dashboard.photograph('credentials');
  });

  test('DB2 shows that something runs, for how long, and offers nothing else meanwhile', async () => {
    const { page } = dashboard;
    await dashboard.goTo('control-credentials');
    await dashboard.choose('credentials-count', '10000');
    const running = page.evaluate(
      () =>
        new Promise((resolve) => {
          new MutationObserver(() => {
            const box = document.querySelector<HTMLElement>('#running');
            if (box?.hidden !== false) return;
            const enabled = document.querySelectorAll('button[type=submit]:not(:disabled)').length;
            resolve({ enabled, text: box.textContent });
          }).observe(document.body, { subtree: true, attributes: true, childList: true });
        }),
    );
    const { happened } = await dashboard.press('control-credentials');
    expect(happened).toContain('10,000 credentials');
    expect(await running).toEqual({ enabled: 0, text: expect.stringMatching(/Sealing .*\d s/) });
  });

  test('DB4 latencies age: no samples, no line and no figure', async () => {
    const summary = new Latencies();
    summary.add(5_000, 1_000);
    expect(summary.summary(2_000)).toMatchObject({ samples: 1, p50Ms: 5_000 });
    expect(summary.summary(62_000)).toMatchObject({ samples: 0, p50Ms: 0 });
  });

  test('on a phone, in the dark, with the keyboard alone: the same story, nothing wider than the screen', async () => {
    const { page } = dashboard;
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize(SIZES.phone);
    await page.reload();
    await dashboard.inState('ready');
    for (const control of [
      'control-comparison',
      'control-storm',
      'control-limit',
      'control-policy',
      'control-kill',
      'control-partial',
      'control-credentials',
    ]) {
      await dashboard.goTo(control);
      if (control === 'control-limit') await dashboard.choose('limit-bytes', '65536');
      if (control === 'control-storm') await page.fill('#storm-requests', '50');
      if (control === 'control-credentials') await dashboard.choose('credentials-count', '10000');
      expect((await dashboard.press(control)).failed).toBe(false);
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect(wide).toBeLessThanOrEqual(SIZES.phone.width);
      await dashboard.inState('ready');
    }
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('button, select, input, summary')]
        .map((element) => element.getBoundingClientRect())
        .filter(({ height }) => height > 0 && height < 44),
    );
    expect(small).toEqual([]);
    await page.focus('#tab-6');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    const before = Number(await page.getAttribute('#outcome', 'data-told'));
    await page.focus('#control-partial button');
    await page.keyboard.press('Enter');
    await page.waitForSelector(`#outcome[data-told="${before + 1}"]`);
    expect(await dashboard.text('outcome-happened')).toContain('Key 3 of 5 failed');
    await dashboard.photograph('phone-dark');
  });

  test('DB1 every button was seen together with its outcome, at both sizes', () => {
    expect(dashboard.seen.length).toBeGreaterThan(18);
    expect(dashboard.seen.filter(({ together }) => !together)).toEqual([]);
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
