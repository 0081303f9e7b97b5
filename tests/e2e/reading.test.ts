import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { en } from '../../components/strings/en.ts';
import { builtSite, hasBrowser, lessons, wake } from './built-site.ts';

const { path } = lessons[1];

/** Goes on with Tab, or back, until the focus is on what is looked for. */
async function tabTo(page: Page, selector: string, key = 'Tab'): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press(key);
    if (await page.evaluate((one) => document.activeElement?.matches(one) === true, selector)) return;
  }
  throw new Error(`the keyboard does not come to ${selector}`);
}

describe.skipIf(!hasBrowser)('reading a lesson', () => {
  const open = builtSite();

  it('takes no pointer: skip to the text, play, step, ask, edit, apply and leave by the keyboard alone', async () => {
    const { page, complaints } = await open(path);
    const focused = () => page.evaluate(() => document.activeElement?.closest('pod-lab')?.id);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await tabTo(page, '.pl-play');
    const id = (await focused()) ?? '';
    const lab = page.locator(`pod-lab#${id}`);
    await lab.locator('.pl-live').waitFor();
    const slider = lab.getByRole('slider');

    await tabTo(page, 'input[type=range]');
    await page.keyboard.press('Home');
    expect(await slider.inputValue()).toBe('0');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowLeft');
    expect(await slider.inputValue()).toBe('1');
    await page.keyboard.press('Space');
    await expect.poll(async () => Number(await slider.inputValue())).toBeGreaterThan(2);
    await page.keyboard.press('Space');
    const stopped = await slider.inputValue();
    const sentence = await lab.locator('.pl-told').innerText();
    expect(sentence).not.toBe('');
    await tabTo(page, '.pl-skip');
    await page.keyboard.press('Enter');
    await expect.poll(() => slider.inputValue()).not.toBe(stopped);
    expect(await lab.locator('.pl-told').innerText()).not.toBe(sentence);

    await tabTo(page, '[role=tab]');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await tabTo(page, '.pl-input input');
    expect(await focused()).toBe(id);
    await page.keyboard.type('kubectl get po');
    await page.keyboard.press('Enter');
    await expect.poll(() => lab.locator('.pl-entry').last().innerText()).toContain('Running');
    await page.keyboard.press('ArrowUp');
    expect(await lab.locator('.pl-input input').inputValue()).toBe('kubectl get po');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('kubectl desc');
    await page.keyboard.press('Tab');
    await expect.poll(() => lab.locator('.pl-input input').inputValue()).toBe('kubectl describe ');
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');

    await tabTo(page, '[role=tab]', 'Shift+Tab');
    await page.keyboard.press('ArrowRight');
    await tabTo(page, '.pl-edit');
    await page.keyboard.press('Enter');
    await lab.locator('.cm-content:focus').waitFor();
    await page.keyboard.press('Control+End');
    await page.keyboard.insertText('\n# read');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.evaluate(() => document.activeElement?.className)).toContain('pl-apply');
    await page.keyboard.press('Enter');
    await lab.locator('.pl-status-applied').waitFor();
    await tabTo(page, `:is(a, button, input, summary, [tabindex]):not(pod-lab#${id} *)`);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('moves nothing where less motion is asked for, and plays all the same', async () => {
    const { page } = await open(path, { reducedMotion: 'reduce' });
    const lab = await wake(page, 'other-node');
    const slider = lab.getByRole('slider');
    await slider.press('Home');
    const dot = lab.locator('.pl-packet-dot').first();
    const before = await dot.getAttribute('cx');
    const places = await dot.evaluate(
      (circle, key) =>
        new Promise<string[]>((resolve) => {
          const seen: string[] = [];
          const place = () => `${circle.getAttribute('cx')} ${circle.getAttribute('cy')}`;
          const watch = new MutationObserver(() => {
            if (seen.at(-1) !== place()) seen.push(place());
          });
          watch.observe(circle, { attributes: true });
          document
            .querySelector('pod-lab#other-node input[type=range]')
            ?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
          setTimeout(() => {
            watch.disconnect();
            resolve(seen);
          }, 700);
        }),
      'ArrowRight',
    );
    expect(before).not.toBeNull();
    expect(places.length).toBeLessThanOrEqual(1);
    await lab.getByRole('button', { name: en.ui.play, exact: true }).click();
    await expect.poll(async () => Number(await slider.inputValue())).toBeGreaterThan(2);
    const running = await page.evaluate(
      () => document.getAnimations().filter((one) => one.playState === 'running').length,
    );
    expect(running).toBe(0);
    await page.context().close();
  });

  it('works on paper: everything stands there, nothing scrolls, no control is printed', async () => {
    const { page } = await open(path);
    const lab = await wake(page, 'other-node');
    await page.emulateMedia({ media: 'print' });
    for (const part of ['svg', '.pl-now', '.pl-panel-hops', '.pl-panel-terminal', '.pl-panel-manifest'])
      expect(await lab.locator(part).first().isVisible(), part).toBe(true);
    for (const control of ['.pl-tabs', '.pl-timeline', '.pl-input', '.pl-edit', '.pl-save'])
      expect(await lab.locator(control).first().isVisible(), control).toBe(false);
    const cut = await lab.evaluate((element) =>
      [...element.querySelectorAll<HTMLElement>('.pl-now, .pl-hops, .pl-screen')]
        .filter((box) => box.scrollHeight > box.clientHeight + 1)
        .map((box) => box.className),
    );
    expect(cut).toEqual([]);
    await page.context().close();
  });

  it('may go on in Wireshark and on a real kernel: a record is saved as a capture, the lab as a script', async () => {
    const { page } = await open(path);
    const lab = await wake(page, 'other-node');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      lab.getByRole('button', { name: en.ui.download('other-node.pcapng') }).click(),
    ]);
    const bytes = readFileSync(await download.path());
    expect(bytes.readUInt32LE(0)).toBe(0x0a0d0d0a);
    for (const name of ['pod-a:eth0', 'node-1:flannel.1', 'lan:p-node-2', 'pod-c:eth0'])
      expect(bytes.includes(name), name).toBe(true);
    const [script] = await Promise.all([
      page.waitForEvent('download'),
      lab.getByRole('button', { name: en.ui.download('other-node.sh') }).click(),
    ]);
    const text = readFileSync(await script.path(), 'utf8');
    expect(text).toMatch(/^#!/);
    expect(text).toContain('ip netns');
    await page.context().close();
  });

  it('explains a term where it first comes', async () => {
    const { page } = await open(path);
    const lab = await wake(page, 'other-node');
    await lab.locator('details[open] .pl-term').first().click();
    const meaning = page.locator('pod-lab-glossary :popover-open');
    await meaning.waitFor();
    const meanings = Object.values(en.glossary).map((entry) => entry.meaning.replaceAll('`', ''));
    const text = await meaning.innerText();
    expect(meanings.some((one) => text.includes(one))).toBe(true);
    await page.keyboard.press('Escape');
    expect(await page.locator('pod-lab-glossary :popover-open').count()).toBe(0);
    await page.context().close();
  });
});
