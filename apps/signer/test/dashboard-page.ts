/// <reference lib="dom.iterable" />
/// <reference lib="dom" />
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

/** What the page is made for. */
export const SIZES = {
  desktop: { width: 1_440, height: 900 },
  phone: { width: 390, height: 844 },
} as const;

/** Milliseconds after an outcome within which it must be seen together with its button. */
const SEEN_MS_MAX = 500;

/** The dashboard as a user has it, with everything that went wrong in the page. */
export class DashboardPage {
  readonly page: Page;
  /** Errors of scripts, refusals by the content policy, requests to elsewhere: none may happen. */
  readonly wrongs: string[] = [];
  /** For each press: whether its button and its outcome were seen together. */
  readonly seen: { readonly control: string; readonly together: boolean }[] = [];
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
    const page = await browser.newPage({ viewport: SIZES.desktop });
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

  /** Goes to the step that has this control; what is always there needs none. */
  async goTo(control: string): Promise<void> {
    const panel = this.page.locator(`[role=tabpanel]:has(#${control})`);
    if ((await panel.count()) === 0) return;
    await this.page.click(`#${await panel.getAttribute('aria-labelledby')}`);
  }

  /** Presses a button, sees that something runs and then its outcome, and gives the two sentences of that. */
  async press(control: string): Promise<{ happened: string; usual: string; failed: boolean }> {
    await this.goTo(control);
    const before = Number((await this.page.getAttribute('#outcome', 'data-told')) ?? 0);
    await this.page.click(`#${control} button[type=submit]`);
    await this.page.waitForSelector(`#outcome[data-told="${before + 1}"]`, { timeout: 120_000 });
    this.seen.push({ control, together: await this.#seenTogether(control) });
    return {
      happened: (await this.text('outcome-happened')) ?? '',
      usual: (await this.text('outcome-usual')) ?? '',
      failed: (await this.page.getAttribute('#outcome', 'data-failed')) !== null,
    };
  }

  /** Measured in the page, from the moment that the outcome is there: whether both are whole in the viewport in time. */
  #seenTogether(control: string): Promise<boolean> {
    return this.page.evaluate(
      async ([id, ms]) => {
        const whole = (element: Element | null): boolean => {
          const box = element?.getBoundingClientRect();
          return box !== undefined && box.height > 0 && box.top >= 0 && box.bottom <= innerHeight;
        };
        const button = document.querySelector(`#${id} button[type=submit]`);
        const sentence = document.querySelector('#outcome-happened');
        const until = performance.now() + Number(ms);
        for (;;) {
          if (whole(button) && whole(sentence)) return true;
          if (performance.now() > until) return false;
          await new Promise(requestAnimationFrame);
        }
      },
      [control, SEEN_MS_MAX] as const,
    );
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
