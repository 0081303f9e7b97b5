import { AxeBuilder } from '@axe-core/playwright';
import { describe, expect, it } from 'vitest';
import { builtSite, hasBrowser, lessons, wake } from './built-site.ts';

describe.skipIf(!hasBrowser)('the built lesson in Chromium', () => {
  const open = builtSite();

  describe.concurrent.each(lessons)('in $language', ({ path, strings }) => {
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
      const { page, complaints } = await open(path, { viewport: { width, height: 900 } });
      // A tunnel, a Service and a drop, awake; the other labs are the same widgets once more.
      const awake = ['other-node', 'service', 'policy'];
      for (const id of awake) await wake(page, id);
      const { violations } = await new AxeBuilder({ page })
        .exclude(`pod-lab:not(${awake.map((id) => `#${id}`).join(', ')})`)
        // What passes need not be written down: on a page with thousands of elements that is most of the work.
        .options({ resultTypes: ['violations'] })
        .analyze();
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
      const { page } = await open(path, { javaScriptEnabled: false });
      const lab = page.locator('pod-lab#other-node');
      for (const part of ['svg', '.pl-panel-hops', '.pl-panel-terminal', '.pl-panel-manifest']) {
        expect(await lab.locator(part).first().isVisible()).toBe(true);
      }
      expect(await lab.innerText()).toContain('$ kubectl exec pod-a -- ping -c 1 10.244.2.2');
      await page.context().close();
    });
  });
});
