import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Frame, Page } from 'playwright-core';
import { expect } from 'vitest';

/** A server that nobody may come to: addresses of it stand in what strangers wrote. */
export interface Canary {
  /** Ends with a slash. */
  readonly url: string;
  /** Paths that were asked for. */
  readonly visits: readonly string[];
  close(): Promise<void>;
}

export async function startCanary(): Promise<Canary> {
  const visits: string[] = [];
  const server = createServer((request, response) => {
    visits.push(String(request.url));
    response.setHeader('Access-Control-Allow-Origin', '*').end('self.__ran?.("from the canary")');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    url: `http://127.0.0.1:${port}/`,
    visits,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Collects what scripts of strangers say, were they to run in any frame of a context. */
export async function watch(context: BrowserContext): Promise<string[]> {
  const ran: string[] = [];
  await context.exposeFunction('__ran', (what: unknown) => void ran.push(String(what)));
  return ran;
}

/** A document whose content policy is watched, from now on. VS Code's `document.open` takes earlier listeners off. */
export async function watchPolicy(frame: Frame): Promise<{ refused(): Promise<string[]> }> {
  await frame.evaluate(() => {
    const refused: string[] = [];
    Object.assign(window, { refused });
    const keep = ({ effectiveDirective }: SecurityPolicyViolationEvent) => refused.push(effectiveDirective);
    document.addEventListener('securitypolicyviolation', keep, true);
  });
  return {
    refused: () =>
      frame.evaluate(() => {
        const { refused } = globalThis as unknown as { refused: string[] }; // put there above
        return [...new Set(refused)].sort();
      }),
  };
}

/**
 * Text that would run a script, load something or open something, were it taken for HTML or trusted as a link.
 * It has no `'`, so that a shell takes it in those.
 */
export function hostileText(canary: string, where: string): string {
  const script = `__ran(\`${where}\`)`;
  return [
    `<img src=x onerror="${script}"><svg onload="${script}"></svg><details open ontoggle="${script}">`,
    `<script>${script}</script><style>@import "${canary}style";</style><link rel="stylesheet" href="${canary}css">`,
    `<iframe src="${canary}frame" onload="${script}"></iframe><img src="${canary}html.png"><form action="${canary}form"><button>Send</button></form>`,
    `![picture](${canary}markdown.png) ![data](data:image/svg+xml;base64,PHN2Zy8+)`,
    `[run](javascript:${script}) [command](command:workbench.action.files.newUntitledFile) [vs](vscode://x/y)`,
    `[data](data:text/html,x) <a href="javascript:${script}">a</a> <a href="command:workbench.action.quit">quit</a>`,
    `command:workbench.action.files.newUntitledFile javascript:${script}`,
    `\`\`\`html\n<img src=x onerror="${script}">\n\`\`\``,
    `| a |\n|---|\n| <img src=x onerror="${script}"> |`,
  ].join('\n\n');
}

/** What is in the document that must not be: elements, handlers and links of strangers. */
export function foundIn(page: Pick<Page, 'evaluate'>): Promise<string[]> {
  return page.evaluate(() => {
    const root = document.getElementById('root');
    const bad =
      'script, iframe, object, embed, form[action], link, style, base, meta, svg[onload], math, audio, video';
    const found = [...(root?.querySelectorAll(bad) ?? [])].map(({ outerHTML }) => outerHTML);
    for (const element of root?.querySelectorAll('*') ?? []) {
      for (const { name, value } of element.attributes) {
        const loads =
          (name === 'src' || name === 'srcset' || name === 'poster') && !value.startsWith('data:image/');
        const link =
          name === 'href' && /^\s*[a-z][a-z0-9+.-]+:/i.test(value) && !/^(https?|mailto):/i.test(value);
        if (name.startsWith('on') || loads || link) found.push(element.outerHTML);
      }
    }
    return found;
  });
}

/** Opens what is folded, as often as something folded comes. */
export async function unfold(page: Pick<Page, 'locator'>): Promise<void> {
  const folded = page.locator('#root details:not([open]) > summary');
  await expect
    .poll(async () => {
      const first = folded.first();
      if ((await folded.count()) > 0) await first.click();
      return folded.count();
    })
    .toBe(0);
}
