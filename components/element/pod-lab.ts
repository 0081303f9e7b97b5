import type { Strings } from '../strings/strings.ts';

/**
 * `<pod-lab>`: the page around it is complete without this. All that loads with the page is this file; the widget comes
 * when a lab nears the viewport, the engine when it is first asked something.
 */
class PodLab extends HTMLElement {
  connectedCallback(): void {
    near.observe(this);
  }

  disconnectedCallback(): void {
    near.unobserve(this);
  }
}

const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || !(target instanceof PodLab)) continue;
      near.unobserve(target);
      void wake(target);
    }
  },
  { rootMargin: '900px 0px' },
);

async function wake(element: PodLab): Promise<void> {
  const language = element.closest('[lang]')?.getAttribute('lang')?.toLowerCase() ?? '';
  try {
    const [{ wakeLab }, strings] = await Promise.all([
      import('./wake.ts'),
      language.startsWith('ko') ? korean() : english(),
    ]);
    wakeLab(element, strings);
  } catch (error) {
    // What was prerendered stays readable; another chance when there is a network again.
    addEventListener('online', () => near.observe(element), { once: true });
    throw error;
  }
}

const korean = async (): Promise<Strings> => (await import('../strings/ko.ts')).ko;
const english = async (): Promise<Strings> => (await import('../strings/en.ts')).en;

if (customElements.get('pod-lab') === undefined) customElements.define('pod-lab', PodLab);
