import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where each state is photographed, if anywhere: set by `npm run screenshots`. */
const screenshots = process.env['SIGNER_SCREENSHOTS'];

/** The system's own browser; `undefined` when there is none. */
export function findChromium(): string | undefined {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    if (found.status === 0) return found.stdout.trim();
  }
  return undefined;
}

/** The dashboard as a user has it, with everything that went wrong in the page. */
export class DashboardPage {
  readonly page: Page;
  /** Errors of scripts, refusals by the content policy, requests to elsewhere: none may happen. */
  readonly wrongs: string[] = [];
  readonly #browser: Browser;

  private constructor(browser: Browser, page: Page, origin: string) {
    this.#browser = browser;
    this.page = page;
    page.on('pageerror', ({ message }) => this.wrongs.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of \d+/.test(message.text()))
        this.wrongs.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(origin)) this.wrongs.push(`request to ${request.url()}`);
    });
  }

  static async open(executablePath: string, origin: string, token: string): Promise<DashboardPage> {
    // As root in a container the browser's own sandbox does not start.
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    const page = await browser.newPage({ viewport: { width: 1_280, height: 900 } });
    const dashboard = new DashboardPage(browser, page, origin);
    await page.goto(`${origin}/#token=${token}`);
    return dashboard;
  }

  text(id: string): Promise<string | null> {
    return this.page.textContent(`#${id}`);
  }

  /** Waits until the state of the keys is this one. */
  async inState(state: string): Promise<void> {
    await this.page.waitForSelector(`#state[data-state=${state}]`, { timeout: 20_000 });
  }

  choose(id: string, value: string): Promise<string[]> {
    return this.page.selectOption(`#${id}`, value);
  }

  /** Presses a button and gives the two sentences that it leads to. */
  async press(control: string): Promise<{ happened: string; usual: string; failed: boolean }> {
    const before = Number((await this.page.getAttribute('#outcome', 'data-told')) ?? 0);
    await this.page.click(`#${control} button`);
    await this.page.waitForSelector(`#outcome[data-told="${before + 1}"]`, { timeout: 60_000 });
    return {
      happened: (await this.text('outcome-happened')) ?? '',
      usual: (await this.text('outcome-usual')) ?? '',
      failed: (await this.page.getAttribute('#outcome', 'data-failed')) !== null,
    };
  }

  async photograph(name: string): Promise<void> {
    if (screenshots === undefined) return;
    mkdirSync(screenshots, { recursive: true });
    await this.page.screenshot({
      path: join(screenshots, `dashboard-${name}.png`),
      fullPage: true,
    });
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}
