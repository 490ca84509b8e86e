import axe from 'axe-core';
import type { Frame } from 'playwright-core';

/**
 * What axe finds that is serious or worse, in words.
 *
 * @param background what lies behind the webview, as a theme colour: it is in another document, where axe can't
 *   see it
 */
export async function findings(
  frame: Frame,
  background: 'sideBar' | 'editor' = 'sideBar',
): Promise<string[]> {
  await frame.evaluate(axe.source);
  await frame.evaluate((name) => {
    document.documentElement.style.background = `var(--vscode-${name}-background)`;
  }, background);
  const { violations } = await frame.evaluate(() =>
    // Put there by the line above.
    (globalThis as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ['violations'] }),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    );
}
