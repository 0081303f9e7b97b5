import { describe, expect, it } from 'vitest';
import type { Locator } from 'playwright-core';
import { en } from '../../components/strings/en.ts';
import { builtSite, hasBrowser, lessons, wake } from './built-site.ts';

const { path } = lessons[1];

describe.skipIf(!hasBrowser)('a lab that cannot do what it is asked', () => {
  const open = builtSite();

  async function terminal(lab: Locator): Promise<(command: string) => Promise<void>> {
    await lab.getByRole('tab', { name: en.panel.terminal }).click();
    const input = lab.getByRole('textbox', { name: en.ui.command });
    return async (command) => {
      await input.fill(command);
      await input.press('Enter');
    };
  }

  it('says that its engine was lost and is where it was when asked again', async () => {
    const { page } = await open(path);
    const lab = await wake(page, 'localhost');
    const run = await terminal(lab);
    await run('hostname');
    await lab.locator('.pl-entry pre').filter({ hasText: 'workstation' }).waitFor();
    const [worker] = page.workers();
    await worker?.evaluate(() => {
      globalThis.postMessage = () => {
        throw new Error('out of memory');
      };
    });
    await run('date');
    const status = lab.locator('.pl-status');
    await expect.poll(() => status.innerText()).toContain(en.status.lost);
    await run('kubectl get pods');
    await lab.locator('.pl-entry').filter({ hasText: 'duo' }).last().waitFor();
    await page.context().close();
  });

  it('says that it is offline and what still works, and goes on when there is a network again', async () => {
    const { page } = await open(path);
    const lab = await wake(page, 'localhost');
    const run = await terminal(lab);
    await run('hostname');
    await lab.locator('.pl-entry pre').filter({ hasText: 'workstation' }).waitFor();
    await page.context().setOffline(true);
    await run('ssh node-1 sysctl net.ipv4.ip_forward');
    await expect.poll(() => lab.locator('.pl-status').innerText()).toContain(en.status.offline);
    const slider = lab.getByRole('slider');
    await slider.press('Home');
    await slider.press('ArrowRight');
    expect(await slider.inputValue()).toBe('1');
    await page.context().setOffline(false);
    await run('ssh node-1 sysctl net.ipv4.ip_forward');
    await lab.locator('.pl-entry pre').filter({ hasText: 'net.ipv4.ip_forward = 1' }).waitFor();
    await page.context().close();
  });

  it('loads a program when it is first called, foreseen or not', async () => {
    const { page, complaints } = await open(path);
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
    const { page } = await open(path);
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
