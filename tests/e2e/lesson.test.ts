import { AxeBuilder } from '@axe-core/playwright';
import { existsSync } from 'node:fs';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launchBrowser } from '../../scripts/browser.ts';
import { serveStatic, type StaticSite } from '../../scripts/static-server.ts';
import { ko } from '../../components/strings/ko.ts';
import { en } from '../../components/strings/en.ts';

const hasBrowser = chromiumPath() !== undefined;
if (!hasBrowser) console.warn('skipped: there is no Chromium');

const lessons = [
  { language: 'ko', path: '/docs/networking/pod-to-pod-communications/', strings: ko },
  { language: 'en', path: '/en/docs/networking/pod-to-pod-communications/', strings: en },
] as const;

describe.skipIf(!hasBrowser)('the built lesson in Chromium', () => {
  let browser: Browser;
  let site: StaticSite;

  beforeAll(async () => {
    if (!existsSync('dist/index.html'))
      throw new Error('the site has not been built: run "npm run build" first');
    site = await serveStatic('dist');
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  /** A page on which anything in the console, and any failed request, is an error of the test. */
  async function open(
    path: string,
    width = 1280,
    javaScript = true,
  ): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      javaScriptEnabled: javaScript,
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
    await page.goto(site.address + path, { waitUntil: 'load' });
    return { page, complaints };
  }

  async function wake(page: Page, id: string): Promise<Locator> {
    const lab = page.locator(`pod-lab#${id}`);
    await lab.scrollIntoViewIfNeeded();
    await lab.locator('.pl-live').waitFor();
    return lab;
  }

  describe.each(lessons)('in $language', ({ path, strings }) => {
    it('plays a packet, stops, steps back and goes to the ends', async () => {
      const { page, complaints } = await open(path);
      const lab = await wake(page, 'other-node');
      const slider = lab.getByRole('slider');
      await slider.focus();
      await page.keyboard.press('Home');
      expect(await slider.inputValue()).toBe('0');
      await lab.getByRole('button', { name: strings.ui.play, exact: true }).click();
      await expect
        .poll(async () => Number(await slider.inputValue()), { timeout: 20_000 })
        .toBeGreaterThan(1);
      await lab.getByRole('button', { name: strings.ui.pause, exact: true }).click();
      const at = Number(await slider.inputValue());
      await lab.getByRole('button', { name: strings.ui.back, exact: true }).click();
      expect(Number(await slider.inputValue())).toBe(at - 1);
      await slider.focus();
      await page.keyboard.press('End');
      expect(await slider.inputValue()).toBe(await slider.getAttribute('max'));
      expect(await slider.getAttribute('aria-valuetext')).not.toBe('');
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it('shows a wrong targetPort refused and why, then resets, then takes a command', async () => {
      const { page, complaints } = await open(path);
      const lab = await wake(page, 'service');
      await lab.getByRole('tab', { name: strings.panel.manifest }).click();
      await lab.locator('.pl-edit').first().click();
      const editor = lab.locator('.cm-content');
      await editor.waitFor();
      await editor.click();
      await page.keyboard.press('Control+A');
      const service = await editor.innerText();
      await page.keyboard.insertText(service.replace('targetPort: 8080', 'targetPort: 8081'));
      await lab.locator('.pl-apply').first().click();
      await lab.locator('.pl-status-applied').waitFor();

      await lab.getByRole('tab', { name: strings.panel.terminal }).click();
      const input = lab.getByRole('textbox', { name: strings.ui.command });
      await input.fill('kubectl exec pod-a -- curl http://my-service');
      await input.press('Enter');
      await lab.locator('.pl-entry').filter({ hasText: 'curl: (7)' }).first().waitFor();
      await lab.getByRole('tab', { name: strings.panel.hops }).click();
      // The record says who refused: no socket listens there, so the pod's kernel answers RST.
      await expect.poll(() => lab.locator('.pl-panel-hops').innerText()).toMatch(/8081/);
      await expect.poll(() => lab.locator('.pl-panel-hops').innerText()).toMatch(/RST/);

      await lab.getByRole('tab', { name: strings.panel.manifest }).click();
      await lab.getByRole('button', { name: strings.ui.reset }).first().click();
      await lab.locator('.pl-status-ready').waitFor();
      await lab.getByRole('tab', { name: strings.panel.terminal }).click();
      await input.fill('kubectl exec pod-a -- curl -s http://my-service');
      await input.press('Enter');
      await lab.locator('.pl-entry').filter({ hasText: 'hello from my-app' }).last().waitFor();
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it('tells a mistake in a manifest at its line and goes on living', async () => {
      const { page } = await open(path);
      const lab = await wake(page, 'service');
      await lab.getByRole('tab', { name: strings.panel.manifest }).click();
      await lab.locator('.pl-edit').first().click();
      const editor = lab.locator('.cm-content');
      await editor.waitFor();
      await editor.click();
      await page.keyboard.press('Control+A');
      const service = await editor.innerText();
      await page.keyboard.insertText(service.replace('selector:', 'selectr:'));
      await lab.locator('.pl-apply').first().click();
      const told = lab.locator('.pl-diagnostics').first();
      await expect.poll(() => told.innerText()).toMatch(/unknown field "spec\.selectr"/);
      expect(await told.innerText()).toMatch(/6/);
      await page.context().close();
    });

    it.each([1280, 360])('has no axe violation and no sideways scrolling at %i px', async (width) => {
      const { page, complaints } = await open(path, width);
      await wake(page, 'other-node');
      await wake(page, 'service');
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(
        violations.map(
          ({ id, nodes }) =>
            `${id}: ${nodes
              .map((node) => node.target.join(' '))
              .slice(0, 3)
              .join(', ')}`,
        ),
      ).toEqual([]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    it('is complete without JavaScript', async () => {
      const { page } = await open(path, 1280, false);
      const lab = page.locator('pod-lab#other-node');
      for (const part of ['svg', '.pl-panel-hops', '.pl-panel-terminal', '.pl-panel-manifest']) {
        expect(await lab.locator(part).first().isVisible()).toBe(true);
      }
      expect(await lab.innerText()).toContain('$ kubectl exec pod-a -- ping -c 1 10.244.2.2');
      await page.context().close();
    });
  });

  it('loads a program when it is first called, foreseen or not', async () => {
    const { page, complaints } = await open(lessons[1].path);
    const programs: string[] = [];
    page.on('request', (request) => {
      const file = /assets\/(\w+)-[^/]+\.js$/.exec(request.url())?.[1];
      if (file !== undefined) programs.push(file);
    });
    const lab = await wake(page, 'localhost');
    await lab.getByRole('tab', { name: en.panel.terminal }).click();
    const input = lab.getByRole('textbox', { name: en.ui.command });
    await input.fill('ssh node-1 echo hello');
    await input.press('Enter');
    await lab.locator('.pl-entry pre').filter({ hasText: 'hello' }).waitFor();
    expect(programs).toContain('worker');
    expect(programs).not.toContain('sysctl');
    expect(programs).not.toContain('tcpdump');
    await input.fill('n=ctl; sys$n net.ipv4.ip_forward');
    await input.press('Enter');
    await lab.locator('.pl-entry pre').filter({ hasText: 'net.ipv4.ip_forward = ' }).waitFor();
    expect(programs).toContain('sysctl');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('ends a loop that never ends, and the page goes on living', async () => {
    const { page } = await open(lessons[1].path);
    const lab = await wake(page, 'localhost');
    await lab.getByRole('tab', { name: en.panel.terminal }).click();
    const input = lab.getByRole('textbox', { name: en.ui.command });
    await input.fill('while true; do sleep 1; done');
    await input.press('Enter');
    await lab.locator('.pl-status-limit').waitFor({ timeout: 60_000 });
    await input.fill('kubectl get pods');
    await input.press('Enter');
    await lab.locator('.pl-entry').filter({ hasText: 'duo' }).last().waitFor();
    await page.context().close();
  });
});
