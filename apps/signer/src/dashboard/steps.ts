import { byId } from './page.js';

const tabs = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[role=tab]')];

/** The steps of the story: one is shown, arrow keys go from one to the next. */
export function connectSteps(onShow: (step: string) => void): void {
  for (const tab of tabs()) {
    tab.addEventListener('click', () => {
      show(tab);
      onShow(tab.id);
    });
    tab.addEventListener('keydown', ({ key }) => {
      const way =
        key === 'ArrowRight' || key === 'ArrowDown'
          ? 1
          : key === 'ArrowLeft' || key === 'ArrowUp'
            ? -1
            : 0;
      if (way === 0) return;
      const all = tabs();
      const next = all[(all.indexOf(tab) + way + all.length) % all.length];
      next?.focus();
      next?.click();
    });
  }
}

/** Marks the step as done: its outcome was seen. */
export function markDone(form: HTMLElement): void {
  const panel = form.closest('[role=tabpanel]');
  if (panel !== null) byId(panel.getAttribute('aria-labelledby') ?? '').dataset['done'] = '';
}

function show(chosen: HTMLElement): void {
  for (const tab of tabs()) {
    const selected = tab === chosen;
    tab.setAttribute('aria-selected', `${selected}`);
    tab.tabIndex = selected ? 0 : -1;
    byId(tab.getAttribute('aria-controls') ?? '').hidden = !selected;
  }
  chosen.scrollIntoView({ block: 'nearest', inline: 'center' });
}
